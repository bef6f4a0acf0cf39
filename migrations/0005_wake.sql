-- Waking up. NOTIFY takes a lock on the whole database until the commit is flushed, so a publish notifies only
-- if a receiver has said that it is idle. docs/decisions/wake-up.md argues that no wake-up is lost.

-- Some receiver is idle until this time, in milliseconds since 1970. A sequence, because it must be read as it is
-- now: a REPEATABLE READ publisher would see the row of a table as it was.
create sequence opinionated_events.idle_until as bigint minvalue 0 start 0;

-- what: '' for news in the log, 'due' for deliveries.
create function opinionated_events.notify_idle(what text default '') returns void language plpgsql as $$
begin
  if pg_sequence_last_value('opinionated_events.idle_until') > extract(epoch from clock_timestamp()) * 1000 then
    perform pg_notify('opinionated_events', what);
  end if;
end $$;

-- After the insert, so that the transaction has its xid: a receiver that sets the register later sees it in flight.
-- notify_idle() spelled out: to call it costs each publish as much as the look.
create function opinionated_events.wake() returns trigger language plpgsql as $$
begin
  if pg_sequence_last_value('opinionated_events.idle_until') > extract(epoch from clock_timestamp()) * 1000 then
    perform pg_notify('opinionated_events', '');
  end if;
  return null;
end $$;
create trigger wake after insert on opinionated_events.message
  for each statement execute function opinionated_events.wake();

-- Says that a receiver is idle for so long. A later time of another one is kept, so they take turns. Returns the
-- transactions that may have published without seeing it: those in flight in the snapshot, and up to the mark. The mark
-- must not be assigned before setval, which does it under the lock of the sequence's page: who read the register before
-- that had its own xid already, so a smaller one. Waits for the disk: the receiver relies on it, also over a crash of the
-- server.
create function opinionated_events.declare_idle(for_ms int, out in_flight pg_snapshot, out mark xid8)
language plpgsql volatile as $$
begin
  perform pg_advisory_xact_lock(hashtext('opinionated_events.declare_idle'), 0);
  perform setval('opinionated_events.idle_until', greatest(
    pg_sequence_last_value('opinionated_events.idle_until'), (extract(epoch from clock_timestamp()) * 1000)::bigint + for_ms));
  in_flight := pg_current_snapshot();
  mark := pg_current_xact_id();
end $$;

-- True while one of those transactions is still in flight. Ids that this server has not come to yet count as such: after a
-- failover to a standby that had not received them, pg_xact_status would fail on them.
create function opinionated_events.is_in_flight(in_flight pg_snapshot, mark xid8) returns boolean
language sql volatile as $$
  select exists (
    select from (
      select pg_snapshot_xip(in_flight)
      union all
      select g::text::xid8 from generate_series(pg_snapshot_xmax(in_flight)::text::bigint, mark::text::bigint - 1) g
    ) t (x) where case when x < pg_snapshot_xmax(pg_current_snapshot()) then pg_xact_status(x) = 'in progress' else true end)
$$;

-- Whether anybody may be about to commit what queues have to read. Who stores messages holds this lock from before the first
-- position is drawn until the transaction ends, and so does who changes what a queue reads.
create function opinionated_events.is_being_written() returns boolean language sql volatile as $$
  select exists (
    select from pg_locks w
    where w.locktype = 'relation' and w.relation = 'opinionated_events.message'::regclass and w.mode = 'RowExclusiveLock'
      and w.database = (select d.oid from pg_database d where d.datname = current_database()))
$$;

-- What changes what a queue reads is to polls as a message that is published: it draws, and is seen at work until it has ended.
create sequence opinionated_events.change as bigint;
create function opinionated_events.stir() returns trigger language plpgsql as $$
begin
  lock table opinionated_events.message in row exclusive mode; -- before the draw; takes no xid
  perform nextval('opinionated_events.change');
  return null;
end $$;
create trigger stir after insert on opinionated_events.subscription for each row execute function opinionated_events.stir();

-- How often was drawn, of positions and by such changes. Neither goes back, so that the sum is the same only if both are.
create function opinionated_events.drawn() returns bigint language sql volatile as $$
  select opinionated_events.head() + coalesce(pg_sequence_last_value('opinionated_events.change'), 0)
$$;

-- What a process could claim now. handled: [{queue, patterns}]. One row per (queue, topic) with news, and per queue
-- one row with a null topic: the milliseconds until its next delivery is due (0 or less: now).
-- Queues that read every topic meet new topics here.
--
-- News is an unfinished window, or visible rows beyond it; also if the log has moved far, since a claim remembers that it found
-- nothing, and this can't. All cursors in one statement, since there may be thousands: a look at each, and one for rows beyond it in
-- those segments that are in use. Its snapshot is the latest thing that it relies on.
--
-- The last row has no queue: its due_ms is how long the poll took, and settled_at, if settled is given, may be a number: a poll that
-- is given that number (the first: -1) looks for no news as long as nobody has drawn. docs/decisions/wake-up.md argues it.
create function opinionated_events.poll(handled json, settled bigint default null)
returns table (queue text, topic text, due_ms float8, settled_at bigint)
language plpgsql volatile
set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off set jit = off
set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
declare
  drawn bigint := opinionated_events.drawn();
  top bigint := opinionated_events.head(); -- after that: what is drawn in between is beyond it, or changes the number
  can_settle boolean := true;
  written int;
  from_segment int;
  to_segment int;
begin
  perform opinionated_events.require_own_cluster();
  if drawn is distinct from settled then
    -- In this order: nobody who has drawn so far is still at work, where they may have written, then the looks, each with a snapshot
    -- of its own.
    can_settle := settled is not null and current_setting('transaction_isolation') = 'read committed'
      and not opinionated_events.is_being_written();
    written := pg_sequence_last_value('opinionated_events.current_segment') & 7;
    select least(min(s.number), written), greatest(max(s.number), written) into from_segment, to_segment
      from opinionated_events.segment s where s.opened_at is not null;
    perform opinionated_events.discover(array(
      select h.queue from json_to_recordset(handled) as h (queue text)
      join opinionated_events.queue_topic qt on qt.queue = h.queue and qt.topic = '*'));
    return query
    select qt.queue::text, qt.topic::text, null::float8, null::bigint
    from json_to_recordset(handled) as h (queue text) join opinionated_events.queue_topic qt on qt.queue = h.queue
    cross join lateral (
      select b.* from opinionated_events.batch b where b.queue = qt.queue and b.topic = qt.topic
      order by b.queue desc, b.topic desc, b.seq desc limit 1) c
    where qt.topic <> '*' and case
      when not c.last or c.base < (select max(e.base) from opinionated_events.epoch e) then true
      when c.mark > pg_snapshot_xmax(pg_current_snapshot()) then opinionated_events.refuse_restored() is null
      when top - c.head > 10000 then true
      -- As late_xids(): who was in flight when the window was opened may have written below its head, and has ended if that is seen.
      when (pg_snapshot_xmin(c.cur) < pg_snapshot_xmax(c.cur) or c.mark > pg_snapshot_xmax(c.cur)) and exists (
        select from (
          select pg_snapshot_xip(c.cur)
          union all
          select g::text::xid8
          from generate_series(pg_snapshot_xmax(c.cur)::text::bigint, c.mark::text::bigint - 1) g
        ) s (x) cross join lateral (
          select from opinionated_events.message m
          where m.segment between from_segment and to_segment and m.topic = qt.topic
            and (m.xid, m.position) > (s.x, c.base) and (m.xid, m.position) < (s.x, 9223372036854775807)
          order by m.topic, m.xid, m.position limit 1) l) then true
      when top <= greatest(c.head, c.base) then false
      else exists (
          select from opinionated_events.message m
          where m.segment between from_segment and to_segment and m.topic = qt.topic and m.position > greatest(c.head, c.base)
          order by m.topic, m.position limit 1)
        and exists (
          select from (
            select array_agg(x.pattern) from opinionated_events.subscription x where x.queue = qt.queue and x.topic in (qt.topic, '*')
          ) w (patterns) cross join lateral (
            select from opinionated_events.message m
            where m.segment between from_segment and to_segment and m.topic = qt.topic and m.position > greatest(c.head, c.base)
              and opinionated_events.is_match(m.name, w.patterns)
            order by m.topic, m.position limit 1) l) end;
    can_settle := can_settle and not found;
  end if;
  return query
  select h.queue, null::text, case
    when exists (select from opinionated_events.delivery d where d.queue = h.queue and d.state = 'parked'
      and opinionated_events.is_match(d.name, h.patterns)) then 0
    else (select extract(epoch from d.due_at - clock_timestamp())::float8 * 1000 from opinionated_events.delivery d
      where d.queue = h.queue and d.due_at < 'infinity' order by d.queue, d.due_at limit 1) end, null::bigint
  from json_to_recordset(handled) as h (queue text, patterns text[]);
  return query select null::text, null::text, extract(epoch from clock_timestamp() - statement_timestamp())::float8 * 1000,
    case when can_settle then drawn end;
end $$;
