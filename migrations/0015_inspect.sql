-- What became of one message. By indexes alone, as long as the log or a dead or parked delivery has it.

-- Not of every delivery: claims and settlements would have to write it.
create index delivery_id on opinionated_events.delivery (id) where state in ('dead', 'parked');

-- The message from the log, else from a delivery that has outlived its segment of the log; nothing if neither has it.
create function opinionated_events.find_message(message_id uuid) returns table (
  "position" bigint, xid xid8, topic text, name text, id uuid, key text, payload json, headers json,
  published_at timestamptz, deliver_at timestamptz
) language plpgsql volatile
set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off set jit = off
set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
begin
  return query select m.position, m.xid, m.topic::text, m.name::text, m.id, m.key, m.payload, m.headers, m.published_at, m.deliver_at
    from opinionated_events.message m where m.id = message_id limit 1;
  if found then return; end if;
  return query select d.position, null::xid8, d.topic::text, d.name::text, d.id, d.key::text, d.payload, d.headers, d.published_at, d.deliver_at
    from opinionated_events.delivery d where d.id = message_id and d.state in ('dead', 'parked') limit 1;
  if found then return; end if;
  -- Looks at every delivery. Rare: it waits for longer than the log is kept, or there is no such message.
  return query select d.position, null::xid8, d.topic::text, d.name::text, d.id, d.key::text, d.payload, d.headers, d.published_at, d.deliver_at
    from opinionated_events.delivery d where d.id = message_id limit 1;
end $$;

-- Whether a row of the log was passed over by a queue that began, or was moved, beyond it, and not back before it since.
-- Of a '*' cursor only what happened before it met the topic.
create function opinionated_events.is_passed_over(q text, t text, x xid8, p bigint) returns boolean language plpgsql volatile
set enable_seqscan = off set enable_bitmapscan = off set jit = off as $$
declare
  v opinionated_events.move;
  passed boolean := false;
begin
  for v in
    select x.* from opinionated_events.move x
    where x.queue = q and (x.topic = t or x.topic = '*' and x.moved_at < coalesce(
      (select qt.met_at from opinionated_events.queue_topic qt where qt.queue = q and qt.topic = t), 'infinity'))
    order by x.moved_at
  loop
    if p > v.low then
      passed := passed and not v.is_back;
      continue;
    end if;
    continue when v.is_back;
    passed := passed or (p <= v.base or pg_visible_in_snapshot(x, v.snap)) and (v.before is null
      or opinionated_events.is_unread(jsonb_populate_record(null::opinionated_events.batch, v.before), x, p));
  end loop;
  return passed;
end $$;

-- A row a queue. state: that of its delivery, or 'running', 'unread', 'done', 'passed', 'unwanted', 'unknown'.
create function opinionated_events.inspect(message_id uuid) returns table (
  queue text, state text, attempt int, due_at timestamptz, since timestamptz, worker text, reason json
) language plpgsql volatile
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off
set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
declare
  m record;
  q record;
  d opinionated_events.delivery;
  l opinionated_events.lease;
  c opinionated_events.batch;
begin
  select * into m from opinionated_events.find_message(message_id);
  if not found then return; end if;
  for q in select x.name, opinionated_events.is_match(m.name, array(
      select s.pattern from opinionated_events.subscription s where s.queue = x.name and s.topic in (m.topic, '*'))) as wants
    from opinionated_events.queue x order by x.name
  loop
    queue := q.name; attempt := null; due_at := null; since := null; worker := null; reason := null;
    -- The cursor first: what it has passed is in a lease, then in a delivery, and each is looked at after the one before.
    select * into c from opinionated_events.batch b where b.queue = q.name and b.topic = m.topic
      order by b.queue desc, b.topic desc, b.seq desc limit 1;
    if not found then
      select * into c from opinionated_events.batch b where b.queue = q.name and b.topic = '*'
        order by b.queue desc, b.topic desc, b.seq desc limit 1;
    end if;
    l := case when m.xid is not null then opinionated_events.lease_of(q.name, m.topic, m.xid, m.position) end;
    select * into d from opinionated_events.delivery x where x.queue = q.name and x.position = m.position;
    if d.queue is not null then
      attempt := d.attempt; reason := d.reason; since := d.changed_at; worker := d.session;
      state := case when d.token is null then d.state when d.due_at > clock_timestamp() then 'running' else 'waiting' end;
      due_at := case when state in ('waiting', 'scheduled', 'retrying') then d.due_at end;
    elsif l.queue is not null then
      state := 'running'; attempt := 1; since := l.claimed_at; worker := coalesce(l.session, l.worker);
    elsif not q.wants then
      state := 'unwanted';
    elsif m.xid is null then
      state := 'unknown';
    elsif c.queue is null then
      state := 'unwanted';
    elsif opinionated_events.is_unread(c, m.xid, m.position) then
      state := 'unread'; due_at := m.deliver_at;
    elsif opinionated_events.is_passed_over(q.name, m.topic, m.xid, m.position) then
      state := 'passed';
    else
      state := 'done';
    end if;
    return next;
  end loop;
end $$;
