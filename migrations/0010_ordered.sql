-- Ordered queues: of the messages of a key and topic, one at a time, in order of position. docs/decisions/ordered-queues.md
-- argues it. The messages of a key stand in a line that is in one of two places: under the leases of one worker, which runs
-- them one after the other, or in deliveries, of which only the first may be claimed. Everything that moves a line holds
-- the queue's lock, taken before any row's: claims, settlements, take-overs.
--
-- Lines are looked up by row comparisons, so that only (queue, topic, key, position) can serve, whatever the statistics say.
-- The comparison begins with the key, since a scan ends where the first member of one no longer holds.

alter table opinionated_events.queue add column ordered boolean not null default false;

-- Who holds the lease, the hashes of the keys that it has not finished, and positions that went to deliveries at the claim.
alter table opinionated_events.lease add column worker text, add column keys int[], add column behind bigint[] not null default '{}';
alter table opinionated_events.lease alter column keys set storage main; -- beside the row: read by every claim

-- The line of a key, without what is not due for the first time: that joins when it is due.
create index delivery_line on opinionated_events.delivery (queue, topic, key, position)
  where key is not null and state not in ('dead', 'scheduled');
create index delivery_held on opinionated_events.delivery (queue, topic, key, position) where state = 'held';

create function opinionated_events.lock_ordered(q text) returns void language plpgsql volatile as $$
begin
  perform pg_advisory_xact_lock(hashtext('opinionated_events.ordered'), hashtext(q));
end $$;

-- Whether the queue is ordered, which who creates it decides.
create function opinionated_events.declare_queue(q text, is_ordered boolean) returns boolean language plpgsql volatile as $$
begin
  insert into opinionated_events.queue (name, ordered) values (q, is_ordered) on conflict do nothing;
  return (select x.ordered from opinionated_events.queue x where x.name = q);
end $$;

-- Changes it, while no process that reads the queue runs.
create function opinionated_events.set_ordered(queue text, ordered boolean) returns void language plpgsql volatile as $$
begin
  perform opinionated_events.lock_ordered(queue);
  if exists (select from opinionated_events.lease l where l.queue = set_ordered.queue) then
    raise exception 'queue % has open leases', queue using errcode = 'object_in_use',
      hint = 'Stop every process that reads the queue; leases of processes that were lost are taken over by the next one.';
  end if;
  update opinionated_events.queue q set ordered = set_ordered.ordered where q.name = set_ordered.queue;
  update opinionated_events.delivery d set state = 'waiting', due_at = clock_timestamp()
    where d.queue = set_ordered.queue and d.state = 'held' and not set_ordered.ordered;
end $$;

-- Hashes of the keys under the leases of workers other than that one; of all workers if it is null.
create function opinionated_events.leased_keys(q text, t text, other_than text) returns int[] language plpgsql volatile
set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off set jit = off
set plan_cache_mode = force_generic_plan as $$
declare
  lower_bound bigint;
begin
  select least(b.oldest, b.seq) into lower_bound from opinionated_events.batch b
    where b.queue = q and b.topic = t order by b.queue desc, b.topic desc, b.seq desc limit 1;
  return array(
    select k from opinionated_events.lease l cross join lateral unnest(l.keys) k
    where l.queue = q and l.topic = t and l.seq >= lower_bound and l.worker is distinct from other_than);
end $$;

-- As claim(), for an ordered queue. Messages whose key is under another worker's lease or in deliveries go there, to the
-- end of the line; the lease's row says in "position" how many. Those of this worker's own keys it runs after them.
create function opinionated_events.claim_ordered(
  q text, t text, n int, worker_session text, lease_ms int, worker_id text
) returns table (
  seq bigint, token bigint, "position" bigint, early boolean, name text, id uuid, key text,
  payload json, headers json, published_at timestamptz, deliver_at timestamptz
) language plpgsql volatile
set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off set jit = off
set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
declare
  r opinionated_events.message[];
  -- Of each: whether it is early.
  is_early boolean[];
  batch_seq bigint;
  batch_token bigint;
  is_exhausted boolean;
  leased int[];
  busy text[];
  waiting bigint[];
begin
  perform opinionated_events.lock_ordered(q);
  select c.seq, c.token, c.exhausted, c.rows into batch_seq, batch_token, is_exhausted, r
    from opinionated_events.claim_packed(q, t, n, worker_session, lease_ms, true) c;
  if not found then return; end if;
  is_early := array(select m.deliver_at > clock_timestamp() from unnest(r) m);
  leased := opinionated_events.leased_keys(q, t, worker_id);
  busy := array(
    select k from (select distinct m.key from unnest(r) m where m.key is not null) s (k)
    where hashtext(k) in (select unnest(leased)) or (
      select true from opinionated_events.delivery d
      where d.queue = q and d.topic = t and (d.key, d.position) > (k, 0) and (d.key, d.position) < (k, 9223372036854775807)
        and d.key is not null and d.state not in ('dead', 'scheduled')
      order by d.queue, d.topic, d.key, d.position limit 1));
  waiting := array(
    select m.position from unnest(r, is_early) m (xid, position, published_at, deliver_at, id, segment, topic, name, key, payload, headers, early)
    where m.key = any (busy) and m.early is not true);
  if waiting <> '{}' then
    insert into opinionated_events.delivery
      (queue, topic, position, name, id, key, payload, headers, published_at, deliver_at, state, due_at, attempt)
    select q, t, m.position, m.name, m.id, m.key, m.payload, m.headers, m.published_at, m.deliver_at, 'held', 'infinity', 0
    from unnest(r) m where m.position = any (waiting)
    on conflict do nothing; -- a replay may have given the message already, or a move have left it in the line
  end if;
  if cardinality(waiting) = cardinality(r) then
    delete from opinionated_events.lease l where l.queue = q and l.topic = t and l.seq = batch_seq;
  else
    update opinionated_events.lease l set worker = worker_id, behind = waiting, keys = array(
        select distinct hashtext(m.key) from unnest(r) m where m.key is not null and m.position <> all (waiting))
      where l.queue = q and l.topic = t and l.seq = batch_seq;
  end if;
  return query
    select batch_seq, batch_token, cardinality(waiting)::bigint, is_exhausted, null::text, null::uuid, null::text,
      null::json, null::json, null::timestamptz, null::timestamptz;
  return query
    select null::bigint, null::bigint, m.position, m.early, m.name, m.id, m.key, m.payload, m.headers, m.published_at, m.deliver_at
    from unnest(r, is_early) m (xid, position, published_at, deliver_at, id, segment, topic, name, key, payload, headers, early)
    where m.position <> all (waiting);
end $$;

-- As claim_packed(); behind: how many went behind others of their key.
create function opinionated_events.claim_ordered_packed(
  q text, t text, n int, worker_session text, lease_ms int, worker_id text
) returns table (seq bigint, token bigint, messages text, exhausted boolean, behind bigint) language plpgsql volatile as $$
begin
  return query
  select max(c.seq), max(c.token), string_agg(opinionated_events.pack(
    c.position, c.early, c.name, c.id, c.key, c.payload, c.headers, c.published_at, c.deliver_at), E'\x1e'),
    bool_or(c.early) filter (where c.seq is not null), max(c.position) filter (where c.seq is not null)
  from opinionated_events.claim_ordered(q, t, n, worker_session, lease_ms, worker_id) c
  group by case when pg_column_size(c.payload) > 2000 then c.position end;
end $$;

-- Keys that have messages held, found without a look at all of these.
create function opinionated_events.held_keys(q text, t text) returns setof text language plpgsql volatile
set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off set jit = off
set plan_cache_mode = force_generic_plan as $$
begin
  return query
  with recursive line (key) as (
    (select d.key from opinionated_events.delivery d where d.queue = q and d.topic = t and d.state = 'held'
      order by d.queue, d.topic, d.key limit 1)
    union all
    select (select d.key from opinionated_events.delivery d
      where d.queue = q and d.topic = t and d.state = 'held' and d.key > line.key order by d.queue, d.topic, d.key limit 1)
    from line where line.key is not null
  )
  select line.key from line where line.key is not null;
end $$;

-- Lets the first of each of these lines go, unless the key is leased or another of its messages is claimed. Returns how many went.
create function opinionated_events.release(q text, t text, lines text[]) returns int language plpgsql volatile
set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off set jit = off
set plan_cache_mode = force_generic_plan as $$
declare
  leased int[];
  free bigint[];
  released int;
begin
  if lines = '{}' then return 0; end if;
  leased := opinionated_events.leased_keys(q, t, null);
  free := array(
    select first.position from unnest(lines) k cross join lateral (
      select x.position, x.state from opinionated_events.delivery x
      where x.queue = q and x.topic = t and (x.key, x.position) > (k, 0) and (x.key, x.position) < (k, 9223372036854775807)
        and x.key is not null and x.state not in ('dead', 'scheduled')
      order by x.queue, x.topic, x.key, x.position limit 1) first
    where first.state = 'held' and hashtext(k) not in (select unnest(leased)) and not exists (
      select from opinionated_events.delivery x
      where x.queue = q and x.topic = t and x.key = k and x.token is not null and x.due_at > clock_timestamp()));
  update opinionated_events.delivery d set state = 'waiting', due_at = clock_timestamp(), changed_at = clock_timestamp()
    where d.queue = q and d.position = any (free);
  get diagnostics released = row_count;
  if released > 0 then perform opinionated_events.notify_idle('due'); end if;
  return released;
end $$;

-- As settle_batches(), for batches of one ordered queue, which also have the keys that they have not finished. All or
-- nothing: a later message must not be finished for good when an earlier one of its key is not. released: messages that
-- were held and are due now.
create function opinionated_events.settle_ordered_batches(q text, batches json, leftovers json, lease_ms int)
returns table (n int, released int) language plpgsql volatile
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off
set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
declare
  ours int[];
  due int := 0;
  line record;
begin
  perform opinionated_events.lock_ordered(q);
  if exists (
    select from json_to_recordset(batches) o (topic text, seq bigint, token bigint) where not exists (
      select from opinionated_events.lease l where l.queue = q and l.topic = o.topic and l.seq = o.seq and l.token = o.token))
  then return; end if;
  ours := array(select opinionated_events.settle_batches(batches, leftovers, lease_ms));
  update opinionated_events.lease l set keys = array(select distinct hashtext(k) from unnest(o.keys) k)
    from json_to_recordset(batches) o (topic text, seq bigint, done bigint[], keys text[])
    where o.done is not null and l.queue = q and l.topic = o.topic and l.seq = o.seq;
  for line in select distinct o.topic from json_to_recordset(batches) o (topic text) loop
    due := due + opinionated_events.release(q, line.topic, array(select opinionated_events.held_keys(q, line.topic)));
  end loop;
  return query select x, due from unnest(ours) x;
end $$;

-- As claim_deliveries(), for an ordered queue: of a key the first message, if it is due, and behind it what is held, at most
-- `run` messages in all. What is due but not the first, or whose key is leased, is held until its turn; if its worker was lost it
-- has not been running, and is a suspect by its company alone.
create function opinionated_events.claim_ordered_deliveries(
  q text, n int, suspects int, patterns text[], worker_session text, lease_ms int, run int
) returns table (
  token bigint, "position" bigint, attempt int, lost int, topic text, name text, id uuid, key text,
  payload json, headers json, published_at timestamptz, deliver_at timestamptz
) language plpgsql volatile
set enable_seqscan = off set enable_bitmapscan = off set enable_mergejoin = off set jit = off
set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
declare
  line record;
begin
  perform opinionated_events.lock_ordered(q);
  -- Their handlers' transactions have committed, and the worker was lost before it could say so.
  for line in
    with finished as (
      delete from opinionated_events.delivery d
      where d.queue = q and d.token is not null and d.due_at <= clock_timestamp() and d.position = any (array(
        select i.position from opinionated_events.inbox i where i.queue = q and i.topic is null))
      returning d.topic, d.key)
    select f.topic, array_agg(f.key) filter (where f.key is not null) as keys from finished f group by f.topic
  loop
    perform opinionated_events.release(q, line.topic, coalesce(line.keys, '{}'));
  end loop;
  return query
  with due as (
    select d.position, d.topic, d.key, d.due_at, false as is_suspect from opinionated_events.delivery d
    where d.queue = q and d.due_at < 'infinity' and d.due_at <= clock_timestamp() and d.lost + (d.token is not null)::int < 2
    order by d.queue, d.due_at limit n),
  suspect as (
    select d.position, d.topic, d.key, d.due_at, true as is_suspect from opinionated_events.delivery d
    where d.queue = q and d.due_at < 'infinity' and d.due_at <= clock_timestamp() and d.lost + (d.token is not null)::int >= 2
    order by d.queue, d.due_at limit suspects),
  parked as (
    select d.position, d.topic, d.key, d.due_at, false as is_suspect from opinionated_events.delivery d
    where d.queue = q and d.state = 'parked' and opinionated_events.is_match(d.name, patterns) limit n),
  candidate as materialized (
    select c.*, row_number() over (partition by c.topic, c.key order by c.position) as place
    from (select * from suspect union all select * from due union all select * from parked) c),
  leased as materialized (
    select t.topic, k from (select distinct c.topic from candidate c where c.key is not null) t
    cross join lateral unnest(opinionated_events.leased_keys(q, t.topic, null)) k),
  judged as materialized (
    select c.*, c.key is null or c.place = 1
      and (c.topic, hashtext(c.key)) not in (select l.topic, l.k from leased l)
      and (
        select true from opinionated_events.delivery x
        where x.queue = q and x.topic = c.topic and (x.key, x.position) > (c.key, 0) and (x.key, x.position) < (c.key, c.position)
          and x.key is not null and x.state not in ('dead', 'scheduled')
        order by x.queue, x.topic, x.key, x.position limit 1) is null
      and not exists (
        select from opinionated_events.delivery x
        where x.queue = q and x.topic = c.topic and x.key = c.key and x.token is not null and x.due_at > clock_timestamp())
      as is_free
    from candidate c),
  blocked as (
    update opinionated_events.delivery d
    set state = 'held', due_at = 'infinity', token = null, session = null, lost = greatest(d.lost, (d.token is not null)::int),
      changed_at = clock_timestamp()
    where d.queue = q and d.position = any (array(select j.position from judged j where not j.is_free))),
  chosen as (
    select x.position from (
      select j.position, 0 as place, j.due_at from judged j where j.is_free
      union all
      select f.position, f.place, 'infinity' from judged j cross join lateral (
        select x.position, row_number() over () as place, bool_and(x.state = 'held' and x.lost < 2) over (order by x.position) as follows from (
          select x.position, x.state, x.lost from opinionated_events.delivery x
          where x.queue = q and x.topic = j.topic and (x.key, x.position) > (j.key, j.position)
            and (x.key, x.position) < (j.key, 9223372036854775807) and x.key is not null and x.state not in ('dead', 'scheduled')
          order by x.queue, x.topic, x.key, x.position limit run - 1) x) f
      where j.is_free and not j.is_suspect and f.follows) x
    order by x.place, x.due_at limit n),
  claimed as (
    update opinionated_events.delivery d
    set token = opinionated_events.new_token(), session = worker_session, attempt = d.attempt + 1,
      lost = d.lost + (d.token is not null)::int, due_at = clock_timestamp() + lease_ms * interval '1 ms',
      failures = case when d.token is null then d.failures else opinionated_events.add_lost(d.failures, d.attempt, d.changed_at) end,
      state = case when d.state in ('parked', 'held') then 'waiting' else d.state end, changed_at = clock_timestamp()
    where d.queue = q and d.position = any (array(select c.position from chosen c))
    returning d.token, d.position, d.attempt, d.lost, d.topic, d.name, d.id, d.key, d.payload, d.headers, d.published_at, d.deliver_at)
  select * from claimed order by claimed.position;
end $$;

-- As settle_deliveries(), for deliveries of one ordered queue. All or nothing, as settle_ordered_batches().
create function opinionated_events.settle_ordered_deliveries(q text, outcomes json, lease_ms int)
returns table (n int, released int) language plpgsql volatile
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off
set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
declare
  ours int[];
  due int := 0;
  -- {topic: [key]} of what is not only renewed.
  lines json;
  line record;
begin
  perform opinionated_events.lock_ordered(q);
  if exists (
    select from json_to_recordset(outcomes) o (position bigint, token bigint) where o.token is distinct from (
      select d.token from opinionated_events.delivery d where d.queue = q and d.position = o.position))
  then return; end if;
  lines := (
    select json_object_agg(x.topic, x.keys) from (
      select d.topic, json_agg(distinct d.key) as keys
      from opinionated_events.delivery d
      where d.queue = q and d.key is not null and d.position = any (array(
        select o.position from json_to_recordset(outcomes) o (position bigint, state text) where o.state is not null))
      group by d.topic) x);
  ours := array(select opinionated_events.settle_deliveries(outcomes, lease_ms));
  for line in select * from json_each(lines) l (topic, keys) loop
    due := due + opinionated_events.release(q, line.topic, array(select json_array_elements_text(line.keys)));
  end loop;
  return query select x, due from unnest(ours) x;
end $$;
