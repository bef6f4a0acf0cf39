-- Deliveries: what could not finish inside its batch. Self-contained, so that segments of the log can go.

-- The order of deaths.
create sequence opinionated_events.death as bigint;

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
  -- The last 20 attempts that failed, oldest first: {attempt, beganAt, failedAt, code, message}. Kept when it is redriven.
  failures jsonb not null default '[]',
  -- If dead, the number of its death: a new one each time.
  died bigint,
  -- How often it was given back after it had died.
  redriven int not null default 0,
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

create function opinionated_events.add_failure(failures jsonb, attempt int, began_at timestamptz, reason json) returns jsonb
language sql volatile as $$
  select case when jsonb_array_length(failures) >= 20 then failures - 0 else failures end || jsonb_build_object(
    'attempt', attempt, 'beganAt', began_at, 'failedAt', clock_timestamp(),
    'code', reason ->> 'code', 'message', left(reason ->> 'message', 1000))
$$;

create function opinionated_events.new_death(state text) returns bigint language sql volatile as $$
  select case state when 'dead' then nextval('opinionated_events.death') end
$$;

-- With one more failure at its end, which took ran_ms until now; as it is, if that is null: nothing was run.
create function opinionated_events.add_attempt(failures jsonb, attempt int, ran_ms float8, reason json) returns jsonb
language sql volatile as $$
  select case when ran_ms is null then failures
    else opinionated_events.add_failure(failures, attempt, clock_timestamp() - ran_ms * interval '1 ms', reason) end
$$;

create function opinionated_events.add_lost(failures jsonb, attempt int, began_at timestamptz) returns jsonb
language sql volatile as $$
  select opinionated_events.add_failure(failures, attempt, began_at,
    json '{"code": "WORKER_LOST", "message": "The worker was lost while the message may have been running."}')
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
    failures = case when d.token is null then d.failures else opinionated_events.add_lost(d.failures, d.attempt, d.changed_at) end,
    state = case d.state when 'parked' then 'waiting' else d.state end, changed_at = clock_timestamp()
  from chosen where d.queue = q and d.position = chosen.position
    and not exists (select from opinionated_events.inbox i where i.queue = q and i.position = chosen.position)
  returning d.token, d.position, d.attempt, d.lost, d.topic, d.name, d.id, d.key, d.payload, d.headers, d.published_at, d.deliver_at;
end $$;

-- Records what has become of claimed deliveries. outcomes: [{n, queue, position, token, state, after_ms, reason, ran_ms}]:
-- state 'done' deletes the row, no state renews its lease; ran_ms: the attempt was made, and took so long. Whatever the state, it is done if its handler's transaction has
-- committed, and only the answer was lost. Returns the n of those that were still ours.
create function opinionated_events.settle_deliveries(outcomes json, lease_ms int) returns setof int
language plpgsql volatile
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off
set plan_cache_mode = force_generic_plan as $$
declare
  settled int[];
  deaths bigint[];
begin
  with o as materialized (
    select r.n, r.queue, r.position, r.token, r.after_ms, r.reason, r.ran_ms, case
      when r.state is not null and exists (
        select from opinionated_events.inbox i where i.queue = r.queue and i.position = r.position) then 'done'
      else r.state end as state
    from json_to_recordset(outcomes)
      as r (n int, queue text, position bigint, token bigint, state text, after_ms float8, reason json, ran_ms float8)),
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
      attempt = d.attempt - (o.state in ('waiting', 'held', 'parked'))::int,
      lost = case when o.state in ('waiting', 'held') then d.lost else 0 end,
      reason = coalesce(o.reason, d.reason), changed_at = clock_timestamp(),
      failures = opinionated_events.add_attempt(d.failures, d.attempt, o.ran_ms, o.reason), died = opinionated_events.new_death(o.state)
    from o
    where o.state <> 'done' and d.queue = o.queue and d.position = o.position and d.token = o.token
    returning o.n, d.died)
  select array(select n from done union all select n from renewed union all select n from kept),
    array(select kept.died from kept where kept.died is not null) into settled, deaths;
  if deaths <> '{}' then perform opinionated_events.publish_deaths(deaths); end if;
  return query select unnest(settled);
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
