-- Moving a queue through the log, and giving it messages again. docs/decisions/seek.md argues it.

-- What a time is looked up by. A summary of each 32 pages: next to nothing to write.
create index message_time on opinionated_events.message using brin (published_at) with (pages_per_range = 32, autosummarize = on);

-- Where queues began, where they were moved to, and where they gave up: what of the log they have not read and will not.
create table opinionated_events.move (
  queue text collate "C" not null,
  topic text collate "C" not null,
  moved_at timestamptz not null default clock_timestamp(),
  -- Of what was visible in snap nothing at or below low was read after it.
  low bigint not null,
  snap pg_snapshot not null,
  -- What an earlier cluster wrote, at or below base, was visible, too.
  base bigint not null default 0,
  -- The cursor row that it moved away from; null where the queue began, and for a move back, which passes over nothing.
  before jsonb,
  is_back boolean not null default false,
  primary key (queue, topic, moved_at)
);
create trigger stir after insert on opinionated_events.move for each row execute function opinionated_events.stir();

-- A topic that a queue of every topic has met, or is subscribed to by name, began where the '*' did.
create function opinionated_events.remember_beginning(q text, t text, low bigint, snap pg_snapshot) returns void
language plpgsql volatile as $$
begin
  if t <> '*' and exists (select from opinionated_events.batch b where b.queue = q and b.topic = '*') then return; end if;
  insert into opinionated_events.move (queue, topic, low, snap, base)
    select q, t, remember_beginning.low, remember_beginning.snap, coalesce(max(e.base), 0) from opinionated_events.epoch e;
end $$;

-- Where cursor c stands: all that was visible to the windows before is read up to here, and in the one under way beyond it.
create function opinionated_events.front(c opinionated_events.batch) returns bigint language sql immutable as $$
  select case when c.last then greatest(c.head, c.base) else greatest(c.hi, c.lo_head) end
$$;

-- Turns into deliveries what cursor c has not read at or below low: it committed late, and the window that is opened next
-- begins above. The same two kinds of rows as a claim finds: what is left of the late transactions of c's window, and those
-- that were in flight when it was opened. No new row is among them, since low <= front(c).
create function opinionated_events.keep_unread(c opinionated_events.batch, low bigint, snap pg_snapshot) returns void
language plpgsql volatile
set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off set jit = off
set plan_cache_mode = force_generic_plan as $$
declare
  patterns text[] := array(select s.pattern from opinionated_events.subscription s where s.queue = c.queue and s.topic in (c.topic, '*'));
  is_ordered boolean := (select q.ordered from opinionated_events.queue q where q.name = c.queue);
  -- All that an earlier cluster has left is visible.
  seen pg_snapshot := case when exists (select from opinionated_events.epoch e where e.base > c.base)
    then '9223372036854775806:9223372036854775806:' else snap end;
begin
  insert into opinionated_events.delivery
    (queue, topic, position, name, id, key, payload, headers, published_at, deliver_at, state, due_at, attempt)
  select c.queue, c.topic, m.position, m.name, m.id, m.key, m.payload, m.headers, m.published_at, m.deliver_at, m.state,
    case m.state when 'held' then 'infinity' else greatest(clock_timestamp(), m.deliver_at) end, 0
  from (
    select y.*, case when y.deliver_at > clock_timestamp() then 'scheduled'
      when is_ordered and y.key is not null then 'held' else 'waiting' end as state
    from (
      select x, c.base as lo from unnest(opinionated_events.late_xids(c, seen)) x
      union all
      select x, c.hi from unnest(c.late) x where not c.last) l
    cross join lateral (
      select m.* from opinionated_events.message m
      where m.topic = c.topic and (m.xid, m.position) > (l.x, l.lo) and (m.xid, m.position) <= (l.x, keep_unread.low)
      order by m.topic, m.xid, m.position limit 9223372036854775807) y) m
  where opinionated_events.is_match(m.name, patterns)
  on conflict do nothing;
end $$;

-- Takes back what the queue has read above low, since it reads it again. Whoever works on it has lost it, as after a
-- take-over: its token is gone, and so is what its handler's transaction has put into the inbox, else the message would
-- pass for handled. The locks wait for such a transaction that is about to commit; after them none can.
--
-- What can't be read again stays: its segment of the log is gone, or no subscription wants it any more.
--
-- In an ordered queue, a key stays taken for grace_ms, in which its worker learns that it has lost it and stops.
create function opinionated_events.supersede(c opinionated_events.batch, low bigint, grace_ms int) returns void
language plpgsql volatile
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_sort = off
set jit = off set plan_cache_mode = force_generic_plan as $$
declare
  is_ordered boolean := (select q.ordered from opinionated_events.queue q where q.name = c.queue);
  until timestamptz := clock_timestamp() + case when is_ordered then grace_ms else 0 end * interval '1 ms';
  patterns text[] := array(select s.pattern from opinionated_events.subscription s where s.queue = c.queue and s.topic in (c.topic, '*'));
  l opinionated_events.lease;
  again bigint[];
begin
  -- In the order in which settlements and sweeps lock.
  for l in
    select x.* from opinionated_events.lease x
    where x.queue = c.queue and x.topic = c.topic and x.seq >= least(c.oldest, c.seq) and exists (
      select from opinionated_events.batch b where b.queue = x.queue and b.topic = x.topic and b.seq = x.seq and b.hi > low)
    order by x.queue, x.topic, x.seq for update of x
  loop
    delete from opinionated_events.inbox i
      where i.queue = l.queue and i.topic = l.topic and i.seq = l.seq and i.position > supersede.low;
    update opinionated_events.lease x
      set token = opinionated_events.new_token(), session = null, worker = '', expires_at = least(x.expires_at, until),
        upto = least(x.upto, supersede.low)
      where x.queue = l.queue and x.topic = l.topic and x.seq = l.seq
      returning * into l;
    if not is_ordered then perform opinionated_events.take_over(l); end if;
  end loop;
  again := array(
    select d.position from opinionated_events.delivery d
    where d.queue = c.queue and d.position > supersede.low and d.topic = c.topic and opinionated_events.is_match(d.name, patterns)
      and (select true from opinionated_events.message m where m.topic = d.topic and m.position = d.position
        order by m.topic, m.position limit 1)
    order by d.queue, d.position for update of d);
  delete from opinionated_events.inbox i where i.queue = c.queue and i.position = any (again);
  if is_ordered then
    update opinionated_events.delivery d
      set token = opinionated_events.new_token(), session = null, state = 'waiting', attempt = 0, lost = 0, reason = null,
        due_at = least(d.due_at, until), changed_at = clock_timestamp()
      where d.queue = c.queue and d.position = any (again) and d.token is not null and d.key is not null;
  end if;
  delete from opinionated_events.delivery d
    where d.queue = c.queue and d.position = any (again) and not (is_ordered and d.token is not null and d.key is not null);
end $$;

-- Says that a process has dropped what it holds of an ordered queue, because it lost some of that: held are its leases and
-- claimed deliveries, which end after grace_ms instead of their time. It was not lost with them, so they are no suspects.
create function opinionated_events.abandon(q text, held json, grace_ms int) returns void language plpgsql volatile
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off
set plan_cache_mode = force_generic_plan as $$
begin
  perform opinionated_events.lock_ordered(q);
  update opinionated_events.lease l
    set expires_at = least(l.expires_at, clock_timestamp() + grace_ms * interval '1 ms'), upto = coalesce(l.upto, 9223372036854775807)
    from json_to_recordset(held) as h (topic text, seq bigint, token bigint)
    where l.queue = q and l.topic = h.topic and l.seq = h.seq and l.token = h.token;
  update opinionated_events.delivery d
    set due_at = least(d.due_at, clock_timestamp() + grace_ms * interval '1 ms'), attempt = d.attempt - 1, lost = d.lost - 1
    from json_to_recordset(held) as h (position bigint, token bigint)
    where d.queue = q and d.position = h.position and d.token = h.token;
end $$;

-- Moves a queue: on one topic, or on all that it reads. start_at and start_position are those of subscribe(). A row a topic:
-- the position from which on it would have read, and from which on it reads now ('*': topics that it meets later).
-- In a transaction of its own, which takes all locks first: retention's, the ordered queue's, those of claims, the table's.
--
-- It opens a window for each cursor, as a claim does: 1. the newest rows, under the locks, 2. the snapshot, 3. the head,
-- 4. the xid. What was in flight is not visible in the snapshot, so it is late in the next window, wherever its position is.
create function opinionated_events.seek(
  queue text, start_at timestamptz, topic text default null, start_position bigint default null, grace_ms int default 2000
) returns table (moved_topic text, moved_from bigint, moved_to bigint) language plpgsql volatile as $$
#variable_conflict use_column
declare
  topics text[];
  cursors opinionated_events.batch[];
  c opinionated_events.batch;
  b opinionated_events.batch;
  snap pg_snapshot;
  top bigint;
  low bigint;
  is_back boolean;
begin
  perform opinionated_events.require_own_transaction('seek');
  perform pg_advisory_xact_lock_shared(hashtext('opinionated_events.retention'), 0);
  perform opinionated_events.lock_ordered(seek.queue);
  topics := array(
    select qt.topic from opinionated_events.queue_topic qt where qt.queue = seek.queue and qt.topic = coalesce(seek.topic, qt.topic));
  perform pg_advisory_xact_lock(hashtext('opinionated_events.claim:' || seek.queue), k.lock)
    from (select distinct hashtext(t) as lock from unnest(topics) t order by 1) k;
  lock table opinionated_events.batch in row exclusive mode; -- against a rebase; takes no xid
  cursors := array(
    select x from unnest(topics) t cross join lateral (
      select x from opinionated_events.batch x where x.queue = seek.queue and x.topic = t
      order by x.queue desc, x.topic desc, x.seq desc limit 1) n (x)
    order by t);
  snap := pg_current_snapshot();
  top := opinionated_events.head();
  foreach c in array cursors loop
    low := opinionated_events.low_of(c.topic, start_at, start_position, top);
    -- To now is never back: what committed before is not to be read, however late it did.
    is_back := low <= opinionated_events.front(c) and (start_position is not null or start_at <> 'infinity');
    b := opinionated_events.window_from(c.queue, c.topic, low, snap, top);
    b.seq := c.seq + 1; b.oldest := c.oldest;
    if is_back then perform opinionated_events.keep_unread(c, low, snap); end if;
    perform opinionated_events.supersede(c, low, grace_ms);
    insert into opinionated_events.batch select b.*;
    insert into opinionated_events.move (queue, topic, low, snap, base, before, is_back)
      values (c.queue, c.topic, low, snap, b.base, case when not is_back then to_jsonb(c) end, is_back);
    moved_topic := c.topic; moved_from := opinionated_events.front(c) + 1; moved_to := low + 1;
    return next;
  end loop;
  perform opinionated_events.notify_idle('due');
end $$;

-- Lets a queue that reads every topic meet the new ones, for those who go through its topics.
create function opinionated_events.meet(q text) returns void language plpgsql volatile as $$
begin
  perform opinionated_events.discover(array(
    select qt.queue from opinionated_events.queue_topic qt where qt.queue = q and qt.topic = '*'));
end $$;

-- The lease under which a worker has a message that it has not finished; null if there is none.
create function opinionated_events.lease_of(q text, t text, x xid8, p bigint) returns opinionated_events.lease
language plpgsql volatile
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_sort = off
set jit = off set plan_cache_mode = force_generic_plan as $$
declare
  lower_bound bigint;
  found_lease opinionated_events.lease;
begin
  select least(b.oldest, b.seq) into lower_bound from opinionated_events.batch b
    where b.queue = q and b.topic = t order by b.queue desc, b.topic desc, b.seq desc limit 1;
  select l.* into found_lease from opinionated_events.lease l cross join lateral (
    select b.* from opinionated_events.batch b where b.queue = q and b.topic = t and b.seq = l.seq
      and b.lo < p and p <= b.hi
      and (x = any (b.late) or x >= b.lo_mark and p > b.lo_head and pg_visible_in_snapshot(x, b.vis))
    order by b.queue, b.topic, b.seq limit 1) b
  where l.queue = q and l.topic = t and l.seq >= lower_bound
    and p <> all (l.done) and p <> all (l.behind) and (l.upto is null or p <= l.upto)
    and not exists (select from opinionated_events.inbox i where i.queue = q and i.position = p)
  order by l.queue, l.topic, l.seq limit 1;
  return found_lease;
end $$;

-- The stretches of the log that a replay goes through, one a topic; '*' is none. What is drawn after this is not in them.
create function opinionated_events.replay_stretches(
  q text, t text, from_at timestamptz, from_position bigint, to_position bigint
) returns table (topic text, low bigint, high bigint) language plpgsql volatile as $$
#variable_conflict use_column
declare
  top bigint := opinionated_events.head();
begin
  return query
  select qt.topic::text, opinionated_events.low_of(qt.topic, coalesce(from_at, '-infinity'), from_position, top), least(to_position - 1, top)
  from opinionated_events.queue_topic qt
  where qt.queue = q and qt.topic = coalesce(t, qt.topic) and qt.topic <> '*'
  order by qt.topic;
end $$;

-- Gives a queue again what it has had of a topic, at most n messages of the next 10,000 in (low, high]: those that the name,
-- the key and the time [from_at, to_at) fit, as far as they are given. Not what waits or runs: that is unread, under a lease, or a
-- delivery that is not dead. Returns how many it gave, and the position up to which it has looked.
create function opinionated_events.replay(
  q text, t text, low bigint, high bigint, only_name text, only_key text, from_at timestamptz, to_at timestamptz, n int,
  out given int, out reached bigint
) language plpgsql volatile
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_sort = off
set jit = off set plan_cache_mode = force_generic_plan as $$
declare
  patterns text[] := array(select s.pattern from opinionated_events.subscription s where s.queue = q and s.topic in (t, '*'));
  is_ordered boolean;
  c opinionated_events.batch;
  edge bigint;
  chosen bigint[];
begin
  -- Seeks and, of an ordered queue, all that moves a line take turns with it.
  perform opinionated_events.lock_ordered(q);
  is_ordered := (select x.ordered from opinionated_events.queue x where x.name = q);
  select * into c from opinionated_events.batch b where b.queue = q and b.topic = t
    order by b.queue desc, b.topic desc, b.seq desc limit 1;
  edge := coalesce((
    select m.position from opinionated_events.message m where m.topic = t and m.position > low and m.position <= high
    order by m.topic, m.position offset 9999 limit 1), high);
  -- The cursor is older than this statement's snapshot, and a message goes from the log to a lease, and from there to a
  -- delivery, in one transaction each. So whatever is under way is seen in one of them.
  chosen := array(
    select m.position from opinionated_events.message m
    where m.topic = t and m.position > low and m.position <= edge
      and (only_name is null or m.name = only_name) and (only_key is null or m.key = only_key)
      and (from_at is null or m.published_at >= from_at) and (to_at is null or m.published_at < to_at)
      and opinionated_events.is_match(m.name, patterns)
      and not opinionated_events.is_unread(c, m.xid, m.position)
      and not exists (select from opinionated_events.delivery d where d.queue = q and d.position = m.position and d.state <> 'dead')
      and opinionated_events.lease_of(q, t, m.xid, m.position) is null
    order by m.topic, m.position limit n);
  reached := case when cardinality(chosen) = n then chosen[n] else edge end;
  -- Its handler's transaction has committed, and its batch has not ended. What is done there stays done, but the inbox must
  -- not take the new delivery for finished.
  update opinionated_events.lease l set done = l.done || i.positions
    from (
      select i.seq, array_agg(i.position) as positions from opinionated_events.inbox i
      where i.queue = q and i.topic = t and i.position = any (chosen) group by i.seq) i
    where l.queue = q and l.topic = t and l.seq = i.seq;
  delete from opinionated_events.inbox i where i.queue = q and i.position = any (chosen);
  insert into opinionated_events.delivery as d
    (queue, topic, position, name, id, key, payload, headers, published_at, deliver_at, state, due_at, attempt)
  select q, t, m.position, m.name, m.id, m.key, m.payload, m.headers, m.published_at, m.deliver_at, m.state,
    case m.state when 'held' then 'infinity' else greatest(clock_timestamp(), m.deliver_at) end, 0
  from (
    select m.*, case when m.deliver_at > clock_timestamp() then 'scheduled'
      when is_ordered and m.key is not null then 'held' else 'waiting' end as state
    from unnest(chosen) p cross join lateral (
      select m.* from opinionated_events.message m where m.topic = t and m.position = p order by m.topic, m.position limit 1) m) m
  on conflict (queue, position) do update
    set state = excluded.state, due_at = excluded.due_at, attempt = 0, lost = 0, reason = null, changed_at = clock_timestamp()
    where d.state = 'dead';
  get diagnostics given = row_count;
  if is_ordered then
    perform opinionated_events.release(q, t, array(select opinionated_events.held_keys(q, t)));
  end if;
  perform opinionated_events.notify_idle('due');
end $$;
