-- Transaction ids mean nothing after a dump is restored into another cluster: the log's rows would lie in the new
-- cluster's future, and be lost. Rebasing touches no message: every cursor finishes its window in the old arithmetic, opens two
-- last old windows, then goes on from this cluster's snapshot. docs/decisions/restore.md argues it.

-- Before the first one, so that the first restore has a base above every cursor's, too.
insert into opinionated_events.epoch values (-1, '1:1:', '0');

-- The log was written in a cluster with another identifier. A session stays in its cluster, so the control file is read once.
create function opinionated_events.is_foreign() returns boolean language plpgsql volatile as $$
begin
  if coalesce(current_setting('opinionated.system_identifier', true), '') = '' then
    perform set_config('opinionated.system_identifier', (select p.system_identifier::text from pg_control_system() p), false);
  end if;
  return (select c.system_identifier::text <> current_setting('opinionated.system_identifier') from opinionated_events.cluster c);
end $$;

-- The newest n of each topic.
create function opinionated_events.newest_messages(n int) returns table (xid xid8, "position" bigint) language sql stable
set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off set jit = off as $$
  with recursive topic (name) as (
    (select m.topic from opinionated_events.message m order by m.topic limit 1)
    union all
    select (select m.topic from opinionated_events.message m where m.topic > t.name order by m.topic limit 1)
    from topic t where t.name is not null)
  select m.xid, m.position from topic t cross join lateral (
    select m.* from opinionated_events.message m where m.topic = t.name order by m.topic desc, m.position desc limit n) m
$$;

-- Also true if transaction ids of the log lie in this cluster's future, though the identifier is the same: the dump was
-- taken in a copy of this cluster that had gone on. The newest messages of each topic tell; what precedes the last rebase is
-- done with. The snapshot is that of the statement that reads the rows (a stable function shares it): each is visible in it.
create function opinionated_events.is_restored() returns boolean language plpgsql volatile
set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off set jit = off as $$
declare
  rebased_at bigint := (select max(e.base) from opinionated_events.epoch e);
begin
  if opinionated_events.is_foreign() then return true; end if;
  if exists (
    select from opinionated_events.queue_topic t cross join lateral (
      select * from opinionated_events.batch x where x.queue = t.queue and x.topic = t.topic
      order by x.queue desc, x.topic desc, x.seq desc limit 1) b
    where b.base >= rebased_at and b.mark > pg_snapshot_xmax(pg_current_snapshot()))
  then return true; end if;
  return exists (
    select from opinionated_events.newest_messages(100) m
    where m.position > rebased_at and m.xid >= pg_snapshot_xmax(pg_current_snapshot()));
end $$;

create function opinionated_events.refuse_restored() returns void language plpgsql volatile as $$
begin
  raise exception 'the log was restored from another cluster, and is not rebased yet' using errcode = 'OE004',
    hint = 'Start a receiver, run migrate, or select opinionated_events.rebase().';
end $$;

create function opinionated_events.require_own_cluster() returns void language plpgsql volatile as $$
begin
  if opinionated_events.is_foreign() then perform opinionated_events.refuse_restored(); end if;
end $$;

-- No cursor moves before the rebase, whoever moves it: a window between two clusters would pass over messages. Ids that have
-- gone back are found as well, since the newest one of a snapshot is never below an older mark.
create function opinionated_events.guard_cursor() returns trigger language plpgsql as $$
begin
  if opinionated_events.is_foreign() or pg_snapshot_xmax(new.vis) < new.lo_mark then
    perform opinionated_events.refuse_restored();
  end if;
  return new;
end $$;
create trigger guard before insert on opinionated_events.batch
  for each row execute function opinionated_events.guard_cursor();

-- What is under lease, and not known to be finished: may be handled again if its workers are gone.
create function opinionated_events.in_hand(out batches bigint, out messages bigint) language plpgsql volatile
set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off set jit = off as $$
begin
  select count(*), coalesce(sum(h.count), 0) into batches, messages
  from opinionated_events.lease l
  join opinionated_events.batch b on b.queue = l.queue and b.topic = l.topic and b.seq = l.seq
  cross join lateral (
    select count(*) from (
      select y.* from unnest(b.late) x cross join lateral (
        select m.position, m.name from opinionated_events.message m
        where m.topic = b.topic and (m.xid, m.position) > (x, b.lo) and (m.xid, m.position) <= (x, b.hi)
        order by m.topic, m.xid, m.position limit 1000000) y
      union all
      (select m.position, m.name from opinionated_events.message m
        where m.topic = b.topic and m.position > greatest(b.lo, b.lo_head) and m.position <= b.hi
          and (m.xid >= b.lo_mark) is true and pg_visible_in_snapshot(m.xid, b.vis)
        order by m.topic, m.position limit 1000000)) m
    where m.position <> all (l.done) and m.position <> all (l.behind) and opinionated_events.is_match(m.name, array(
      select s.pattern from opinionated_events.subscription s where s.queue = l.queue and s.topic in (l.topic, '*')))) h;
  messages := messages + (select count(*) from opinionated_events.delivery d where d.token is not null);
end $$;

-- Rebases the log. Returns what was in hand: it is due at once if the log was restored, since its workers are elsewhere.
-- if_restored: returns nulls where it need not be done, as when somebody else has just done it.
create function opinionated_events.rebase(if_restored boolean default false, out batches bigint, out messages bigint)
language plpgsql volatile as $$
declare
  was_restored boolean;
  heads bigint;
  top bigint;
  snap pg_snapshot;
begin
  perform opinionated_events.require_own_transaction('rebase');
  -- Claims first: one that began before must have ended.
  lock table opinionated_events.batch, opinionated_events.message in access exclusive mode;
  was_restored := opinionated_events.is_restored();
  if if_restored and not was_restored then return; end if;
  select h.batches, h.messages into batches, messages from opinionated_events.in_hand() h;
  heads := greatest((select max(b.head) from opinionated_events.batch b), (select max(e.base) + 1 from opinionated_events.epoch e));
  -- Behind only if it was not restored (logical replication leaves it out): no position may be drawn again.
  perform setval('opinionated_events.position', p.top)
    from (select greatest(heads, max(m.position)) as top from opinionated_events.newest_messages(1) m) p
    where p.top > opinionated_events.head();
  -- The first window: in the arithmetic of the old cluster, as far as its cursors have come. All beyond is unread, whatever
  -- its transaction: what the old cluster wrote, and what was published here before this rebase.
  insert into opinionated_events.epoch values (heads, '1:1:', '0');
  snap := pg_current_snapshot();
  -- A position of its own, so that every restore has another base; and one behind it, for the next one's first window.
  top := nextval('opinionated_events.position');
  perform setval('opinionated_events.position', top + 1);
  -- The lock has assigned our xid before the snapshot. A mark below the last xid that it sees would make a transaction both
  -- late and new: delivered twice.
  insert into opinionated_events.epoch values (top, snap, greatest(
    pg_current_xact_id(), (pg_snapshot_xmax(snap)::text::bigint - 1)::text::xid8));
  update opinionated_events.segment set mark = '0' where mark is not null; -- nobody writes
  update opinionated_events.cluster set system_identifier = (select c.system_identifier from pg_control_system() c);
  if was_restored then
    update opinionated_events.lease set expires_at = clock_timestamp();
    -- Nobody was lost with it: it is no suspect.
    update opinionated_events.delivery set token = null, session = null, due_at = clock_timestamp() where token is not null;
  end if;
  raise warning 'opinionated_events: the log is rebased; % batches and % messages were in hand, and come again', batches, messages;
end $$;

-- Rebases the log if it was restored; else returns no row. Whoever publishes waits no longer than the lock_timeout.
create function opinionated_events.rebase_restored() returns table (batches bigint, messages bigint) language plpgsql volatile
set lock_timeout = '200ms' as $$
begin
  if opinionated_events.is_restored() then
    return query select r.batches, r.messages from opinionated_events.rebase(true) r where r.batches is not null;
  end if;
end $$;
