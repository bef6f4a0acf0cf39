-- Batches: what one worker leases at once. docs/decisions/windows.md argues the arithmetic.

create table opinionated_events.lease (
  queue text collate "C" not null,
  topic text collate "C" not null,
  seq bigint not null,
  -- Random rather than from a sequence: after a crash of the server a sequence may hand out a value again.
  token bigint not null,
  -- The application_name of a session that lives as long as the worker's process; null if it has none.
  session text,
  expires_at timestamptz not null,
  claimed_at timestamptz not null default clock_timestamp(),
  -- Positions that are finished.
  done bigint[] not null default '{}',
  -- Set if the queue was moved while it was open: what is above comes again from the log.
  upto bigint,
  primary key (queue, topic, seq)
) with (fillfactor = 70);

create function opinionated_events.new_token() returns bigint language sql volatile as $$
  select (random() * 9007199254740991)::bigint
$$;

-- The transactions that were in flight when cursor c's window was opened and are visible in vis now, as far
-- as they wrote to the topic. Row comparisons and this order, so that only (topic, xid, position) can serve;
-- its callers have set how it is planned.
create function opinionated_events.late_xids(
  c opinionated_events.batch, seen pg_snapshot, from_segment int default 0, to_segment int default 7
) returns xid8[]
language plpgsql volatile as $$
declare
  ended xid8[];
begin
  -- Nobody was in flight.
  if pg_snapshot_xmin(c.cur) = pg_snapshot_xmax(c.cur) and c.mark <= pg_snapshot_xmax(c.cur) then return '{}'; end if;
  ended := array(
    select x from (
      select pg_snapshot_xip(c.cur)
      union all
      select g::text::xid8
      from generate_series(pg_snapshot_xmax(c.cur)::text::bigint, c.mark::text::bigint - 1) g
    ) s (x) where pg_visible_in_snapshot(x, seen));
  if ended = '{}' then return ended; end if;
  return array(
    select x from unnest(ended) x
    where (
      select true from opinionated_events.message m
      where m.segment between from_segment and to_segment and m.topic = c.topic
        and (m.xid, m.position) > (x, c.base) and (m.xid, m.position) < (x, 9223372036854775807)
      order by m.topic, m.xid, m.position limit 1));
end $$;

-- A message as one text: its fields, divided by U+001F, which neither names nor JSON can hold.
create function opinionated_events.pack(
  "position" bigint, early boolean, name text, id uuid, key text, payload json, headers json, published_at timestamptz, deliver_at timestamptz
) returns text language sql stable as $$
  select position || case when early then E'\x1ft\x1f' else E'\x1f\x1f' end || name || E'\x1f' || id || E'\x1f'
    || coalesce(to_json(key)::text, '') || E'\x1f' || coalesce(headers::text, '') || E'\x1f'
    || published_at || E'\x1f' || coalesce(deliver_at::text, '') || E'\x1f' || payload
$$;

-- Leases the next batch of (queue, topic): at most n rows of the current window, else of a new one; no row if there is nothing.
-- The first row has the lease (seq, token), and the messages in their order as packed texts, divided by U+001E: a client takes
-- them apart for a fraction of what a row each costs it. Those that are large follow with a row of their own, so that no text
-- gets too long; with as_rows they are in rows instead, of the first row. exhausted: nothing else was there. With n = 0 nothing
-- is leased: if there is a message, a row is returned and the cursor stays, else the cursor moves past all that the queue
-- does not want.
--
-- Opening a window, in this order: 1. read the newest row under the lock, 2. take the snapshot, 3. read the
-- head, 4. assign the xid, which is the mark. Subscriptions are read after the snapshot, so that no message
-- published after a subscription committed is passed over by a claim that has not seen it.
--
-- For one message nearly all of its time goes into setting up plans: so calls are assignments, which need no plan, and what
-- stands above the union of the segments is set up once, not for each.
create function opinionated_events.claim_packed(
  q text, t text, n int, worker_session text, lease_ms int, as_rows boolean default false
) returns table (seq bigint, token bigint, messages text, exhausted boolean, "rows" opinionated_events.message[]) language plpgsql volatile
set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off set jit = off
set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
declare
  c opinionated_events.batch;
  e opinionated_events.epoch;
  mark xid8;
  prev bigint;
  prev_head bigint;
  low bigint;
  found_until bigint;
  count bigint := 0;
  large text[];
  opened boolean := false;
  crossed boolean := false;
  unfinished boolean;
  from_segment int := 0;
  to_segment int := 7;
  written int;
  opened_at timestamptz;
  every boolean;
  names text[];
  beginnings text[];
  prefixes text[];
  -- Of the hashes of the names.
  least_hash int;
  greatest_hash int;
  nothing text;
begin
  nothing := opinionated_events.require_own_transaction('claim');
  -- A claim that a crash of the server forgets is only a batch that was never leased; the acknowledgement,
  -- which flushes, comes after it in the log.
  nothing := set_config('synchronous_commit', 'off', true);
  nothing := pg_advisory_xact_lock(hashtext('opinionated_events.claim:' || q), hashtext(t));
  select * into c from opinionated_events.batch b where b.queue = q and b.topic = t
    order by b.queue desc, b.topic desc, b.seq desc limit 1;
  if not found then
    raise exception 'queue % does not read topic %', q, t using errcode = 'no_data_found';
  end if;
  prev := c.seq; mark := c.mark; prev_head := c.head; unfinished := not c.last;
  loop
    if c.last then
      exit when opened;
      opened_at := coalesce(opened_at, clock_timestamp());
      select * into e from opinionated_events.epoch x where x.base > c.base order by x.base limit 1;
      opened := e.base is null; -- what an earlier cluster wrote is read first
      c.vis := case when e.base is null then pg_current_snapshot() else '9223372036854775806:9223372036854775806:' end;
      -- In this order. The window's rows have no xid below xmin(cur), and those of a closed segment are below its mark.
      if opened then
        written := pg_sequence_last_value('opinionated_events.current_segment') & 7;
        select least(min(s.number), written), greatest(max(s.number), written) into from_segment, to_segment
          from opinionated_events.segment s
          where s.opened_at is not null and (s.mark > least(pg_snapshot_xmin(c.cur), c.mark)) is not false;
      end if;
      c.late := opinionated_events.late_xids(c, c.vis, from_segment, to_segment);
      c.lo_mark := c.mark; c.lo_head := c.head; c.hi := c.base;
      if e.base is null then
        c.cur := c.vis; mark := null; c.head := opinionated_events.head();
        exit when c.head = c.lo_head and c.late = '{}';
      else
        c.cur := e.snap; mark := e.mark; c.mark := e.mark; c.head := e.base; c.base := e.base;
        crossed := true;
      end if;
    end if;
    low := greatest(c.hi, c.lo_head);
    select array_agg(s.pattern), array_agg(rtrim(s.pattern, '*')),
      min(case when right(s.pattern, 1) = '*' then -2147483648 else hashtext(s.pattern) end),
      max(case when right(s.pattern, 1) = '*' then 2147483647 else hashtext(s.pattern) end)
      into names, beginnings, least_hash, greatest_hash
      from opinionated_events.subscription s where s.queue = q and s.topic in (t, '*');
    every := coalesce('*' = any (names), false);
    if strpos(array_to_string(names, ' '), '.*') > 0 then
      prefixes := array(select left(p, -1) from unnest(names) p where right(p, 2) = '.*');
    end if;
    -- In each segment the hash, from the index, then the beginning of the name alone: that tells most of what is wanted from what
    -- is not. An array of ours is copied for each row unless a query gives it.
    if c.late = '{}' then
      select max(m.position), count(*), string_agg(m.packed, E'\x1e') filter (where not m.is_large), array_agg(m.packed) filter (where m.is_large),
        array_agg(row(m.xid, m.position, m.published_at, m.deliver_at, m.id, m.segment, m.topic, m.name, m.key, m.payload, m.headers)::opinionated_events.message)
          filter (where as_rows)
        into found_until, count, messages, large, rows
        from (
          select m.*, pg_column_size(m.payload) > 2000 and not as_rows as is_large, case when not as_rows then opinionated_events.pack(m.position,
            m.deliver_at > clock_timestamp(), m.name, m.id, m.key, m.payload, m.headers, m.published_at, m.deliver_at) end as packed
          from (
            select * from opinionated_events.message m
            where m.segment between from_segment and to_segment
              and m.topic = t and m.position > low and m.position <= c.head and hashtext(m.name) between least_hash and greatest_hash
              and m.name ^@ any ((select beginnings)::text[])
            order by m.topic, m.position offset 0) m
          where (every or m.name = any (names) or m.name ^@ any (prefixes))
            and (m.xid >= c.lo_mark) is true and pg_visible_in_snapshot(m.xid, c.vis)
          limit greatest(n, 1)) m;
    else
      select max(m.position), count(*), string_agg(m.packed, E'\x1e') filter (where not m.is_large), array_agg(m.packed) filter (where m.is_large),
        array_agg(row(m.xid, m.position, m.published_at, m.deliver_at, m.id, m.segment, m.topic, m.name, m.key, m.payload, m.headers)::opinionated_events.message)
          filter (where as_rows)
        into found_until, count, messages, large, rows
        from (
          select m.*, pg_column_size(m.payload) > 2000 and not as_rows as is_large, case when not as_rows then opinionated_events.pack(m.position,
            m.deliver_at > clock_timestamp(), m.name, m.id, m.key, m.payload, m.headers, m.published_at, m.deliver_at) end as packed
          from (
            select * from (
              select y.* from unnest(c.late) x cross join lateral (
                select * from opinionated_events.message m
                where m.segment between from_segment and to_segment
                  and m.topic = t and (m.xid, m.position) > (x, c.hi) and (m.xid, m.position) <= (x, c.head)
                  and (every or m.name = any (names) or m.name ^@ any (prefixes))
                order by m.topic, m.xid, m.position limit greatest(n, 1)) y
              union all
              (select * from opinionated_events.message m
                where m.segment between from_segment and to_segment
                  and m.topic = t and m.position > low and m.position <= c.head and hashtext(m.name) between least_hash and greatest_hash
                  and case when every or m.name = any ((select names)::text[]) or m.name ^@ any ((select prefixes)::text[])
                    then (m.xid >= c.lo_mark) is true and pg_visible_in_snapshot(m.xid, c.vis) end
                order by m.position limit greatest(n, 1))) y
            order by y.position limit greatest(n, 1)) m) m;
    end if;
    exit when count > 0;
    c.last := true;
  end loop;
  if count > 0 and n = 0 then
    return next;
    return;
  end if;
  -- An empty window is remembered if it says that a cursor thought to be unfinished is not, if the
  -- walk was long, or if the log has moved far: rows that are uncommitted, rolled back or not wanted are then
  -- walked once, not at each poll.
  if count = 0 and not (n = 0 or unfinished or c.late <> '{}' or crossed
    or clock_timestamp() - opened_at > interval '3 ms' or c.head - prev_head > 10000) then return; end if;
  seq := prev + 1;
  c.seq := seq; c.lo := c.hi;
  if count > 0 then
    c.hi := found_until;
    c.last := count < n;
    c.oldest := coalesce((select l.seq from opinionated_events.lease l where l.queue = q and l.topic = t and l.seq >= c.oldest
      order by l.queue, l.topic, l.seq limit 1), seq);
  end if;
  c.mark := coalesce(mark, pg_current_xact_id());
  insert into opinionated_events.batch select (c).*;
  if count = 0 then return; end if;
  token := opinionated_events.new_token();
  insert into opinionated_events.lease (queue, topic, seq, token, session, expires_at)
    values (q, t, seq, token, worker_session, clock_timestamp() + lease_ms * interval '1 ms');
  exhausted := opened and c.last;
  return next;
  if large is not null then
    return query select null::bigint, null::bigint, m, null::boolean, null::opinionated_events.message[] from unnest(large) m;
  end if;
end $$;

-- As claim_packed(), with a row for each message: the first row returned is the lease, the others are its messages in order.
-- early: the message is not due yet; of the lease: nothing else was there.
create function opinionated_events.claim(q text, t text, n int, worker_session text, lease_ms int)
returns table (
  seq bigint, token bigint, "position" bigint, early boolean, name text, id uuid, key text,
  payload json, headers json, published_at timestamptz, deliver_at timestamptz
) language plpgsql volatile as $$
#variable_conflict use_column
declare
  rows opinionated_events.message[];
begin
  select p.seq, p.token, p.exhausted, p.rows into seq, token, early, rows
    from opinionated_events.claim_packed(q, t, n, worker_session, lease_ms, true) p;
  if not found then return; end if;
  return next;
  return query
  select null::bigint, null::bigint, m.position, m.deliver_at > clock_timestamp(), m.name, m.id, m.key, m.payload, m.headers,
    m.published_at, m.deliver_at from unnest(rows) m;
end $$;

-- Records what has become of batches. batches: [{n, queue, topic, seq, token, done}]: without done all is settled, and
-- the lease ends; else it is renewed, and the positions in done are remembered. What needs a row of its own becomes a
-- delivery in the same statement. leftovers: [{n, position, state, after_ms, attempt, reason, ran_ms}], where n is the batch;
-- ran_ms: the attempt was made, and took so long.
-- Returns the n of those that were still ours: who has lost the lease changes nothing.
create function opinionated_events.settle_batches(batches json, leftovers json, lease_ms int) returns setof int
language plpgsql volatile
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off
set plan_cache_mode = force_generic_plan as $$
declare
  settled int[];
  deaths bigint[];
begin
  with o as materialized (
    select * from json_to_recordset(batches)
      as o (n int, queue text, topic text, seq bigint, token bigint, done bigint[])
    order by o.queue, o.topic, o.seq), -- as a sweep locks
  before as (
    select o.n, l.done from o join opinionated_events.lease l
      on l.queue = o.queue and l.topic = o.topic and l.seq = o.seq and l.token = o.token),
  ended as (
    delete from opinionated_events.lease l using o
    where o.done is null and l.queue = o.queue and l.topic = o.topic and l.seq = o.seq and l.token = o.token
    returning o.n, l.queue, l.topic),
  renewed as (
    update opinionated_events.lease l
    set expires_at = clock_timestamp() + lease_ms * interval '1 ms', done = o.done
    from o
    where o.done is not null and l.queue = o.queue and l.topic = o.topic and l.seq = o.seq and l.token = o.token
    returning o.n, l.queue, l.topic),
  ours as (select * from ended union all select * from renewed),
  kept as (
    insert into opinionated_events.delivery
      (queue, topic, position, name, id, key, payload, headers, published_at, deliver_at, state, due_at, attempt, reason, failures, died)
    select ours.queue, ours.topic, m.position, m.name, m.id, m.key, m.payload, m.headers, m.published_at, m.deliver_at,
      k.state, opinionated_events.due_at(k.state, k.after_ms, m.deliver_at), k.attempt, k.reason,
      opinionated_events.add_attempt('[]', k.attempt, k.ran_ms, k.reason), opinionated_events.new_death(k.state)
    from json_to_recordset(leftovers) as k (n int, position bigint, state text, after_ms float8, attempt int, reason json, ran_ms float8)
    join ours on ours.n = k.n
    -- Not again, if this is the repetition of a statement whose answer was lost.
    join before on before.n = k.n and k.position <> all (before.done)
      -- Nor if its handler's transaction has committed, and only the answer was lost.
      and not exists (select from opinionated_events.inbox i where i.queue = ours.queue and i.position = k.position)
    cross join lateral (
      select * from opinionated_events.message m where m.topic = ours.topic and m.position = k.position
      order by m.topic, m.position limit 1) m
    on conflict do nothing
    returning died)
  select array(select x.n from ours x), array(select kept.died from kept where kept.died is not null) into settled, deaths;
  if deaths <> '{}' then perform opinionated_events.publish_deaths(deaths); end if;
  return query select unnest(settled);
end $$;

-- Turns what an expired batch left unfinished into deliveries. The lease row goes, and its token with it. Not now, if somebody
-- renews it, or a handler's transaction that acknowledges one of its messages is about to commit.
-- A message that may have been running counts a lost worker: it may be what killed it.
create function opinionated_events.take_over(l opinionated_events.lease) returns int language plpgsql volatile
set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off set jit = off
set plan_cache_mode = force_generic_plan as $$
declare
  b opinionated_events.batch;
  patterns text[];
  is_ordered boolean := (select q.ordered from opinionated_events.queue q where q.name = l.queue);
  taken int;
begin
  select * into l from opinionated_events.lease x
    where x.queue = l.queue and x.topic = l.topic and x.seq = l.seq and x.token = l.token and x.expires_at <= clock_timestamp()
    for update skip locked;
  if not found then return 0; end if; -- finished, renewed or taken over meanwhile
  -- In a statement of its own, which sees what had committed before the lock.
  l.done := l.done || array(
    select i.position from opinionated_events.inbox i where i.queue = l.queue and i.topic = l.topic and i.seq = l.seq);
  select * into strict b from opinionated_events.batch x where x.queue = l.queue and x.topic = l.topic and x.seq = l.seq;
  patterns := array(select s.pattern from opinionated_events.subscription s where s.queue = l.queue and s.topic in (l.topic, '*'));
  insert into opinionated_events.delivery
    (queue, topic, position, name, id, key, payload, headers, published_at, deliver_at, state, due_at, attempt, lost, failures)
  select l.queue, l.topic, m.position, m.name, m.id, m.key, m.payload, m.headers, m.published_at, m.deliver_at, m.state,
    case m.state when 'held' then 'infinity' else greatest(clock_timestamp(), m.deliver_at) end, m.suspect::int, m.suspect::int,
    case when m.suspect then opinionated_events.add_lost('[]', 1, null) else '[]' end
  from (
    select m.*, l.upto is null and m.deliver_at > clock_timestamp() is not true as suspect,
      case when m.deliver_at > clock_timestamp() then 'scheduled' when is_ordered and m.key is not null then 'held' else 'waiting' end as state
    from (
      select y.* from unnest(b.late) x cross join lateral (
        select m.* from opinionated_events.message m
        where m.topic = l.topic and (m.xid, m.position) > (x, b.lo) and (m.xid, m.position) <= (x, b.hi)
        order by m.topic, m.xid, m.position limit 1000000) y
      union all
      (select m.* from opinionated_events.message m
        where m.topic = l.topic and m.position > greatest(b.lo, b.lo_head) and m.position <= b.hi
          and (m.xid >= b.lo_mark) is true and pg_visible_in_snapshot(m.xid, b.vis)
        order by m.topic, m.position limit 1000000)) m
    where m.position <> all (l.done) and m.position <> all (l.behind) and (l.upto is null or m.position <= l.upto)
      and opinionated_events.is_match(m.name, patterns)) m
  on conflict do nothing;
  get diagnostics taken = row_count;
  delete from opinionated_events.lease x where x.queue = l.queue and x.topic = l.topic and x.seq = l.seq;
  return taken;
end $$;

-- Run at an interval, not in the claim. Takes over batches whose lease is over. A worker whose session is gone
-- has grace_ms to renew, in case only the session was cut; then its lease is over. Returns the number of
-- messages that are due by that, and the milliseconds until the next lease under suspicion ends (null if there is none).
--
-- settled is what an earlier poll() of these queues has said, if anything: at that number all of them had been claimed. A sweep that
-- then finds no lease and nothing to trim says so by that number, cleared_at: until somebody draws there will be none. A
-- sweep that is given it, as cleared, looks at nothing but ordered queues as long as that holds.
create function opinionated_events.sweep(
  queues text[], grace_ms int, settled bigint default null, cleared bigint default null,
  out taken int, out next_ms float8, out cleared_at bigint)
language plpgsql volatile
set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off set jit = off
set plan_cache_mode = force_generic_plan as $$
declare
  l opinionated_events.lease;
  t record;
  lower_bound bigint;
  drawn bigint := opinionated_events.drawn();
begin
  taken := 0;
  cleared_at := case when drawn in (settled, cleared) then drawn end;
  if drawn = cleared then
    queues := array(select q.name from opinionated_events.queue q where q.name = any (queues) and q.ordered);
  end if;
  -- Ordered queues last, each locked before its rows are: who waits for a row of theirs does not hold an unordered one's.
  -- Most topics of a queue that reads many have neither a lease nor a row to trim.
  for t in
    select qt.queue, qt.topic, q.ordered from opinionated_events.queue_topic qt
    join opinionated_events.queue q on q.name = qt.queue
    cross join lateral (
      select least(b.oldest, b.seq) as lower_bound from opinionated_events.batch b
      where b.queue = qt.queue and b.topic = qt.topic order by b.queue desc, b.topic desc, b.seq desc limit 1) c
    where qt.queue = any (queues) and (q.ordered
      or exists (select from opinionated_events.lease x
        where x.queue = qt.queue and x.topic = qt.topic and x.seq >= c.lower_bound)
      or exists (select from opinionated_events.batch x
        where x.queue = qt.queue and x.topic = qt.topic and x.seq < c.lower_bound))
    order by q.ordered, qt.queue, qt.topic
  loop
    if t.ordered then perform opinionated_events.lock_ordered(t.queue); else cleared_at := null; end if;
    select least(b.oldest, b.seq) into lower_bound from opinionated_events.batch b
      where b.queue = t.queue and b.topic = t.topic order by b.queue desc, b.topic desc, b.seq desc limit 1;
    for l in select * from opinionated_events.lease x
      where x.queue = t.queue and x.topic = t.topic and x.seq >= lower_bound
        and (x.expires_at <= clock_timestamp() or (x.session is not null and not opinionated_events.is_session_alive(x.session)))
      order by x.queue, x.topic, x.seq
    loop
      if l.expires_at <= clock_timestamp() then
        taken := taken + opinionated_events.take_over(l);
        continue;
      end if;
      update opinionated_events.lease x set expires_at = least(x.expires_at, clock_timestamp() + grace_ms * interval '1 ms')
        where x.queue = l.queue and x.topic = l.topic and x.seq = l.seq and x.token = l.token
        returning x.expires_at into l.expires_at;
      next_ms := least(next_ms, extract(epoch from l.expires_at - clock_timestamp()) * 1000);
    end loop;
    delete from opinionated_events.batch b where b.queue = t.queue and b.topic = t.topic and b.seq < lower_bound;
    if t.ordered then
      taken := taken + opinionated_events.release(t.queue, t.topic, array(select opinionated_events.held_keys(t.queue, t.topic)));
    end if;
  end loop;
end $$;
