-- Deliveries: what could not finish inside its batch. Self-contained, so that segments of the log can go.

create table opinionated_events.delivery (
  queue text collate "C" not null,
  topic text collate "C" not null,
  position bigint not null,
  name text collate "C" not null,
  id uuid not null,
  key text collate "C",
  payload json not null,
  headers json,
  published_at timestamptz not null,
  deliver_at timestamptz,
  state text not null check (state in ('waiting', 'scheduled', 'retrying', 'parked', 'held', 'dead')),
  -- When it may be claimed. While it is claimed: when its lease ends. 'infinity' if parked, held behind its key, or dead.
  due_at timestamptz not null,
  -- Attempts begun.
  attempt int not null,
  -- Workers that were lost while it may have been running. Reset by any outcome.
  lost int not null default 0,
  -- Set while it is claimed.
  token bigint,
  session text,
  -- What the last attempt failed with: {code, message, stack}.
  reason json,
  changed_at timestamptz not null default clock_timestamp(),
  -- One row a message and queue, whatever sent it here.
  primary key (queue, position)
);
create index delivery_due on opinionated_events.delivery (queue, due_at) where due_at < 'infinity';
create index delivery_parked on opinionated_events.delivery (queue, name) where state = 'parked';
create index delivery_claimed on opinionated_events.delivery (queue, topic, key) where token is not null;

create function opinionated_events.due_at(state text, after_ms float8, deliver_at timestamptz) returns timestamptz
language sql volatile as $$
  select case state
    when 'scheduled' then deliver_at
    when 'retrying' then clock_timestamp() + least(after_ms, 3155760000000) * interval '1 ms' -- a hundred years
    when 'waiting' then clock_timestamp()
    else 'infinity' end
$$;

-- Any role may read the application_name of any session.
create function opinionated_events.is_session_alive(session text) returns boolean language sql volatile as $$
  select exists (select from pg_stat_activity a where a.application_name = session)
$$;

-- Leases due deliveries of a queue, and parked ones that this process (patterns) has a handler for: at most n,
-- and at most `suspects` of those that two workers were lost with, which the caller runs one at a time: the first time it was
-- hardly one of them, among all that the worker held.
-- The attempt is counted, and the token set, before the handler starts: a row that comes back claimed has lost a worker.
create function opinionated_events.claim_deliveries(
  q text, n int, suspects int, patterns text[], worker_session text, lease_ms int
) returns table (
  token bigint, "position" bigint, attempt int, lost int, topic text, name text, id uuid, key text,
  payload json, headers json, published_at timestamptz, deliver_at timestamptz
) language plpgsql volatile
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off
set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
begin
  return query
  with due as (
    select d.position from opinionated_events.delivery d
    where d.queue = q and d.due_at < 'infinity' and d.due_at <= clock_timestamp() and d.lost + (d.token is not null)::int < 2
    order by d.queue, d.due_at limit n for update skip locked),
  suspect as (
    select d.position from opinionated_events.delivery d
    where d.queue = q and d.due_at < 'infinity' and d.due_at <= clock_timestamp() and d.lost + (d.token is not null)::int >= 2
    order by d.queue, d.due_at limit suspects for update skip locked),
  parked as (
    select d.position from opinionated_events.delivery d
    where d.queue = q and d.state = 'parked' and opinionated_events.is_match(d.name, patterns)
    limit n for update skip locked),
  chosen as (select * from suspect union all (select * from due union all select * from parked limit n)),
  -- Its handler's transaction has committed, and the worker was lost before it could say so.
  finished as (
    delete from opinionated_events.delivery d using chosen
    where d.queue = q and d.position = chosen.position
      and exists (select from opinionated_events.inbox i where i.queue = q and i.position = chosen.position))
  update opinionated_events.delivery d
  set token = opinionated_events.new_token(), session = worker_session, attempt = d.attempt + 1,
    lost = d.lost + (d.token is not null)::int, due_at = clock_timestamp() + lease_ms * interval '1 ms',
    state = case d.state when 'parked' then 'waiting' else d.state end, changed_at = clock_timestamp()
  from chosen where d.queue = q and d.position = chosen.position
    and not exists (select from opinionated_events.inbox i where i.queue = q and i.position = chosen.position)
  returning d.token, d.position, d.attempt, d.lost, d.topic, d.name, d.id, d.key, d.payload, d.headers, d.published_at, d.deliver_at;
end $$;

-- Records what has become of claimed deliveries. outcomes: [{n, queue, position, token, state, after_ms, reason}]: state
-- 'done' deletes the row, no state renews its lease. Whatever the state, it is done if its handler's transaction has
-- committed, and only the answer was lost. Returns the n of those that were still ours.
create function opinionated_events.settle_deliveries(outcomes json, lease_ms int) returns setof int
language plpgsql volatile
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off
set plan_cache_mode = force_generic_plan as $$
begin
  return query
  with o as materialized (
    select r.n, r.queue, r.position, r.token, r.after_ms, r.reason, case
      when r.state is not null and exists (
        select from opinionated_events.inbox i where i.queue = r.queue and i.position = r.position) then 'done'
      else r.state end as state
    from json_to_recordset(outcomes)
      as r (n int, queue text, position bigint, token bigint, state text, after_ms float8, reason json)),
  done as (
    delete from opinionated_events.delivery d using o
    where o.state = 'done' and d.queue = o.queue and d.position = o.position and d.token = o.token
    returning o.n),
  renewed as (
    update opinionated_events.delivery d set due_at = clock_timestamp() + lease_ms * interval '1 ms'
    from o where o.state is null and d.queue = o.queue and d.position = o.position and d.token = o.token
    returning o.n),
  kept as (
    -- What was not started has used up no attempt. Any outcome but that clears the suspicion.
    update opinionated_events.delivery d
    set state = o.state, due_at = opinionated_events.due_at(o.state, o.after_ms, d.deliver_at), token = null, session = null,
      attempt = d.attempt - (o.state in ('waiting', 'parked'))::int,
      lost = case o.state when 'waiting' then d.lost else 0 end,
      reason = coalesce(o.reason, d.reason), changed_at = clock_timestamp()
    from o
    where o.state <> 'done' and d.queue = o.queue and d.position = o.position and d.token = o.token
    returning o.n)
  select n from done union all select n from renewed union all select n from kept;
end $$;

-- As sweep() does for batches: a claimed delivery whose worker's session is gone is due after grace_ms.
-- Returns how many there are.
create function opinionated_events.suspect_deliveries(queues text[], grace_ms int) returns int
language plpgsql volatile
set enable_seqscan = off set enable_bitmapscan = off set jit = off set plan_cache_mode = force_generic_plan as $$
declare
  suspects int;
begin
  update opinionated_events.delivery d set due_at = clock_timestamp() + grace_ms * interval '1 ms'
  where d.queue = any (queues) and d.token is not null and d.session is not null
    and d.due_at > clock_timestamp() + grace_ms * interval '1 ms'
    and d.session not in (select a.application_name from pg_stat_activity a where a.application_name is not null);
  get diagnostics suspects = row_count;
  return suspects;
end $$;
