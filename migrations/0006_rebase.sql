-- Transaction ids mean nothing after a dump is restored into another cluster: the log's rows would lie in the new
-- cluster's future, and be lost. Rebasing costs O(1) and touches no message: every cursor finishes its window in
-- the old arithmetic, opens one last old window (all rows not visible in its old snapshot, at or below base), then
-- goes on from this cluster's snapshot above base. To be run before anything is published in the new cluster.
create function opinionated_events.rebase() returns void language plpgsql volatile as $$
declare
  top bigint;
  snap pg_snapshot;
begin
  perform opinionated_events.require_own_transaction('rebase');
  -- Claims first: one that began before must have ended.
  lock table opinionated_events.batch, opinionated_events.message in access exclusive mode;
  snap := pg_current_snapshot();
  -- A position of its own, so that every restore has another base.
  top := nextval('opinionated_events.position');
  -- The lock has assigned our xid before the snapshot. A mark below xmax would make a transaction both late and
  -- new: delivered twice.
  insert into opinionated_events.epoch values (top, snap, greatest(pg_current_xact_id(), pg_snapshot_xmax(snap)));
  update opinionated_events.segment set mark = '0' where mark is not null; -- nobody writes
  update opinionated_events.cluster set system_identifier = (select c.system_identifier from pg_control_system() c);
end $$;

create function opinionated_events.is_restored() returns boolean language sql volatile as $$
  select c.system_identifier <> p.system_identifier from opinionated_events.cluster c, pg_control_system() p
$$;
