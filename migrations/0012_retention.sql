-- Retention: the log is written segment by segment, in a ring, and a segment is truncated when its time is over and no queue needs
-- it. docs/decisions/segments.md argues it. Every process that receives runs this; an advisory lock keeps them apart.

create table opinionated_events.retention (
  -- How long a message is kept at least, whether it is needed or not.
  keep interval not null check (keep >= interval '0')
);
insert into opinionated_events.retention values ('1 day');

-- How long after its segment was closed a message may be unread; how large what is kept for the queue may be.
alter table opinionated_events.queue add column max_age interval, add column max_bytes bigint;

-- What queues with a limit have not read, and never will.
create table opinionated_events.dropped (
  queue text collate "C" not null,
  topic text collate "C" not null,
  name text collate "C" not null,
  messages bigint not null,
  first_published_at timestamptz not null,
  last_published_at timestamptz not null,
  dropped_at timestamptz not null default clock_timestamp()
);

create function opinionated_events.lock_retention() returns boolean language sql volatile as $$
  select pg_try_advisory_xact_lock(hashtext('opinionated_events.retention'), 0)
$$;

-- The greatest time of a UUIDv7 in the closed segments, in milliseconds since 1970. Beyond any if the greatest ids of one are
-- of other versions, which a walk to the next UUIDv7 would have to pass.
create function opinionated_events.last_id_ms() returns bigint language plpgsql volatile
set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off set jit = off as $$
declare
  k int;
  newest uuid;
  seen int;
  last_ms bigint := 0;
begin
  for k in select s.number from opinionated_events.segment s where s.closed_at is not null loop
    execute format(
      $q$ select (array_agg(id order by id desc) filter (where substr(id::text, 15, 1) = '7'))[1], count(*)
        from (select m.id from opinionated_events.message_%s m order by m.id desc limit 1000) m $q$, k)
      into newest, seen;
    if newest is null and seen = 1000 then return 281474976710654; end if;
    last_ms := greatest(last_ms, ('x' || left(replace(newest::text, '-', ''), 12))::bit(48)::bigint);
  end loop;
  return last_ms;
end $$;

-- Whether a transaction older than the mark may still write messages: each holds the lock of its xid, and, from before it reads
-- the register until its end, one on the table.
create function opinionated_events.has_writers(mark xid8) returns boolean language sql volatile as $$
  select exists (
    select from pg_locks w join pg_locks x on x.virtualtransaction = w.virtualtransaction
    where w.locktype = 'relation' and w.relation = 'opinionated_events.message'::regclass and w.mode = 'RowExclusiveLock'
      and w.database = (select d.oid from pg_database d where d.datname = current_database())
      and x.locktype = 'transactionid' and x.mode = 'ExclusiveLock' and age(x.transactionid) > age(has_writers.mark::xid))
$$;

-- Goes on to the next segment if it is time to, and the next one is free. The more is kept, the longer the steps, so that the ring
-- is not full soon when an old segment stays. Returns how long messages are kept, in ms; whether the register says of
-- ids what it should; and the segments whose time is over, the oldest first.
--
-- The setval comes first, and assigns the xid that is the mark: who has read the register before has an older one. Until all these
-- have ended, any id may be in the closed segment, unseen.
create function opinionated_events.rotate(out keep_ms float8, out is_settled boolean, out due int[]) language plpgsql volatile as $$
declare
  anything constant bigint := 281474976710655; -- no UUIDv7 is as late
  register bigint := pg_sequence_last_value('opinionated_events.current_segment');
  current int := register & 7;
  next int := (register + 1) & 7;
  kept interval := (select r.keep from opinionated_events.retention r);
begin
  perform opinionated_events.require_own_transaction('rotate');
  keep_ms := extract(epoch from kept) * 1000;
  is_settled := register >> 3 < anything;
  due := array(select s.number from opinionated_events.segment s
    where s.closed_at + kept <= clock_timestamp() order by s.opened_at);
  if not opinionated_events.lock_retention() then return; end if;
  if not exists (select from opinionated_events.segment s where s.number = current and s.opened_at is not null and s.closed_at is null) then
    -- The register had moved on, and a crash, or a dump, has forgotten the rest.
    perform opinionated_events.mark_current(current);
  elsif exists (
    select from opinionated_events.segment c, opinionated_events.segment n
    where c.number = current and n.number = next and n.opened_at is null and c.opened_at <= clock_timestamp() - greatest(
      interval '1 second', kept / 4, (clock_timestamp() - (select min(o.opened_at) from opinionated_events.segment o)) / 5))
    and exists (select from opinionated_events.message m where m.segment = current)
  then
    perform setval('opinionated_events.current_segment', anything << 3 | next);
    perform opinionated_events.mark_current(next);
    is_settled := false;
  elsif not is_settled and not opinionated_events.has_writers((select max(s.mark) from opinionated_events.segment s)) then
    perform setval('opinionated_events.current_segment', (opinionated_events.last_id_ms() + 1) << 3 | current);
    is_settled := true;
  end if;
end $$;

create function opinionated_events.mark_current(current int) returns void language plpgsql volatile as $$
begin
  update opinionated_events.segment s set closed_at = clock_timestamp(), mark = pg_current_xact_id()
    where s.number <> current and s.opened_at is not null and s.closed_at is null;
  update opinionated_events.segment s set opened_at = clock_timestamp(), closed_at = null, mark = null where s.number = current;
end $$;

-- Whether cursor c needs no row of its topic in segment k, whose greatest position there is top. Visible in cur means that the row
-- is in the window or in an earlier one; of the window, what is at or below hi has been claimed. Rows at or below base count as read.
create function opinionated_events.is_past(c opinionated_events.batch, k int, top bigint) returns boolean language plpgsql volatile
set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off set jit = off as $$
declare
  later xid8 := pg_snapshot_xmax(c.cur);
begin
  if exists (select from opinionated_events.epoch e where e.base > c.base) then return false; end if;
  if not c.last and top > c.hi then return false; end if;
  if top <= c.base then return true; end if;
  if exists (
    select from opinionated_events.message m
    where m.segment = k and m.topic = c.topic and (m.xid, m.position) >= (later, 0::bigint) and m.position > c.base
    order by m.topic, m.xid, m.position limit 1) then return false; end if;
  return not exists (
    select from pg_snapshot_xip(c.cur) x where (
      select true from opinionated_events.message m
      where m.segment = k and m.topic = c.topic and (m.xid, m.position) > (x, c.base) and (m.xid, m.position) < (x, 9223372036854775807)
      order by m.topic, m.xid, m.position limit 1));
end $$;

-- The newest cursor row of a queue on a topic; of its '*' row if it has not met the topic.
create function opinionated_events.cursor_of(q text, t text) returns opinionated_events.batch language plpgsql volatile
set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off set jit = off as $$
declare
  c opinionated_events.batch;
begin
  select * into c from opinionated_events.batch b where b.queue = q and b.topic = t
    order by b.queue desc, b.topic desc, b.seq desc limit 1;
  if not found then
    select * into c from opinionated_events.batch b where b.queue = q and b.topic = '*'
      order by b.queue desc, b.topic desc, b.seq desc limit 1;
    c.topic := t;
  end if;
  return c;
end $$;

-- Who needs segment k, and why: 'unread'; 'unmet', a topic that a queue of all topics has not met; 'leased', where a worker may
-- still fail, or be lost.
create function opinionated_events.pins(k int) returns table (queue text, topic text, why text) language plpgsql volatile
set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off set jit = off as $$
#variable_conflict use_column
declare
  t text := '';
  top bigint;
  q record;
begin
  loop
    t := (select m.topic from opinionated_events.message m where m.segment = k and m.topic > t order by m.topic limit 1);
    exit when t is null;
    top := (select m.position from opinionated_events.message m where m.segment = k and m.topic = t
      order by m.topic desc, m.position desc limit 1);
    for q in
      select x.queue, bool_or(x.topic = t) as is_met from opinionated_events.queue_topic x where x.topic in (t, '*') group by x.queue
    loop
      if not opinionated_events.is_past(opinionated_events.cursor_of(q.queue, t), k, top) then
        return query select q.queue::text, t, case when q.is_met then 'unread' else 'unmet' end;
      elsif exists (
        select from opinionated_events.lease l join opinionated_events.batch b using (queue, topic, seq)
        where l.queue = q.queue and l.topic = t and l.seq >= (opinionated_events.cursor_of(q.queue, t)).oldest
          and (greatest(b.lo, b.lo_head) < top or exists (
            select from unnest(b.late) x where (
              select true from opinionated_events.message m
              where m.segment = k and m.topic = t and (m.xid, m.position) > (x, b.lo) and (m.xid, m.position) <= (x, b.hi)
              order by m.topic, m.xid, m.position limit 1))))
      then
        return query select q.queue::text, t, 'leased';
      end if;
    end loop;
  end loop;
end $$;

-- Truncates segment k, if its time is over and nobody needs it. TRUNCATE waits behind every reader, pg_dump among them, and
-- everybody else behind it: so it waits for 20 ms at the most, and somebody tries again later. Publishers don't wait: they
-- write to another segment. False if it could not be.
--
-- What was needed by nobody stays so: cursors only move on, and who moves one back, or begins one, holds the advisory lock. Under the
-- table's lock nobody is writing, so that the second look sees whatever was committed after the first. Nor will anybody write
-- there who has read the register before the segment was closed: such rows would be read, but not known by their ids.
create function opinionated_events.retire(k int) returns boolean language plpgsql volatile as $$
begin
  perform opinionated_events.require_own_transaction('retire');
  if not opinionated_events.lock_retention() or not exists (
    select from opinionated_events.segment s, opinionated_events.retention r
    where s.number = k and s.closed_at + r.keep <= clock_timestamp() and not opinionated_events.has_writers(s.mark))
    or exists (select from opinionated_events.pins(k)) then return false; end if;
  begin
    perform set_config('lock_timeout', '20ms', true);
    execute format('lock table only opinionated_events.message_%s in access exclusive mode', k);
  exception when lock_not_available then
    return false;
  end;
  if exists (select from opinionated_events.pins(k)) then return false; end if;
  execute format('truncate only opinionated_events.message_%s', k);
  update opinionated_events.segment s set opened_at = null, closed_at = null, mark = null where s.number = k;
  return true;
end $$;

-- Moves a cursor past what the queue does not want, and drops the rows of batch that nobody needs. False if there is a message
-- that it wants.
create function opinionated_events.pass_over(q text, t text) returns boolean language plpgsql volatile as $$
begin
  if exists (select from opinionated_events.claim_packed(q, t, 0, null, 0)) then return false; end if;
  delete from opinionated_events.batch b where b.queue = q and b.topic = t and b.seq < (
    select least(x.oldest, x.seq) from opinionated_events.batch x where x.queue = q and x.topic = t
    order by x.queue desc, x.topic desc, x.seq desc limit 1);
  return true;
end $$;

-- Whether a queue that needs segment k is beyond its limits.
create function opinionated_events.is_over_limit(q text, k int) returns boolean language sql volatile as $$
  select coalesce(s.closed_at + x.max_age <= clock_timestamp(), false) or coalesce((
      select sum(pg_total_relation_size(format('opinionated_events.message_%s', o.number)::regclass))
      from opinionated_events.segment o where o.opened_at >= s.opened_at) > x.max_bytes, false)
  from opinionated_events.queue x, opinionated_events.segment s where x.name = q and s.number = k
$$;

-- Whether cursor c will still come to a row that is visible now. The arithmetic of a claim, as in progress().
create function opinionated_events.is_unread(c opinionated_events.batch, x xid8, p bigint) returns boolean
language sql immutable as $$
  select case
    when p > greatest(c.head, c.base) then true
    when p > c.base and not pg_visible_in_snapshot(x, c.cur) then true
    when c.last or p <= c.hi then false
    else x = any (c.late) or x >= c.lo_mark and p > c.lo_head and pg_visible_in_snapshot(x, c.vis) end
$$;

-- Gives up what a queue that is beyond its limits has not read of segment k, and of what was published before its end. It is
-- counted, name by name, in `dropped`. A cursor that still has to cross to this cluster stays as it is.
create function opinionated_events.drop_unread(q text, t text, k int) returns boolean language plpgsql volatile
set enable_seqscan = off set enable_bitmapscan = off set jit = off as $$
declare
  c opinionated_events.batch;
  top bigint;
begin
  if not opinionated_events.is_over_limit(q, k) then return false; end if;
  perform pg_advisory_xact_lock(hashtext('opinionated_events.claim:' || q), hashtext(t)); -- as a claim does
  select * into c from opinionated_events.batch b where b.queue = q and b.topic = t
    order by b.queue desc, b.topic desc, b.seq desc limit 1;
  if not found or exists (select from opinionated_events.epoch e where e.base > c.base) then return false; end if;
  top := (select m.position from opinionated_events.message m where m.segment = k and m.topic = t
    order by m.topic desc, m.position desc limit 1);
  if top is null then return false; end if;
  insert into opinionated_events.dropped (queue, topic, name, messages, first_published_at, last_published_at)
  select q, t, m.name, count(*), min(m.published_at), max(m.published_at) from opinionated_events.message m
  where m.topic = t and m.position > c.base and m.position <= top
    and opinionated_events.is_unread(c, m.xid, m.position)
    and opinionated_events.is_match(m.name, array(
      select s.pattern from opinionated_events.subscription s where s.queue = q and s.topic in (t, '*')))
  group by m.name;
  -- Below base, rows are read neither as late nor as new.
  insert into opinionated_events.batch select q, t, c.seq + 1, c.late, c.lo_mark, c.lo_head, c.vis, c.cur, c.head, c.mark,
    greatest(c.base, top), greatest(c.hi, top), greatest(c.hi, top), c.last, c.oldest;
  insert into opinionated_events.move (queue, topic, low, snap, base, before) values (q, t, top, c.cur, top, to_jsonb(c));
  return true;
end $$;

-- The segments in use; is_due: the time that its messages are kept is over.
create view opinionated_events.segments as
select s.number, s.opened_at, s.closed_at, coalesce(s.closed_at + r.keep <= clock_timestamp(), false) as is_due,
  pg_total_relation_size(format('opinionated_events.message_%s', s.number)::regclass) as bytes
from opinionated_events.segment s, opinionated_events.retention r where s.opened_at is not null;
