-- What people use of queues in SQL: subscribing, unsubscribing, and views of their state. docs/sql.md is the manual, and the
-- names and columns here are API.

alter function opinionated_events.subscribe(text, text, text, timestamptz, bigint) rename to add_subscription;

-- Changes of one queue's subscriptions take turns: no cursor is dropped while a subscription that needs it is on its way.
create function opinionated_events.lock_subscriptions(queue text) returns void language sql as $$
  select pg_advisory_xact_lock(hashtext('opinionated_events.subscribe:' || queue), 0)
$$;

-- Subscribes a queue to a name, 'prefix.*' or '*', for good. start_at is looked at if the queue does not read the topic yet:
-- 'infinity' for what commits from now on, '-infinity' for all that the log holds, or a time; or start_position, if given.
-- topic: where the pattern's messages have one that is not the part of their name before the first dot. In a transaction of
-- its own.
create function opinionated_events.subscribe(
  queue text, pattern text, start_at timestamptz default 'infinity', topic text default null, start_position bigint default null
) returns void language plpgsql as $$
declare
  topic_read text := coalesce(topic, split_part(pattern, '.', 1));
begin
  if not opinionated_events.is_name(queue) then
    perform opinionated_events.refuse('INVALID_NAME', format('INVALID_NAME: %s can''t name a queue.', opinionated_events.show(queue)));
  end if;
  if pattern is distinct from '*' and not opinionated_events.is_name(regexp_replace(pattern, E'[.][*]$', '')) then
    perform opinionated_events.refuse('INVALID_PATTERN',
      format('INVALID_PATTERN: %s can''t be subscribed to.', opinionated_events.show(pattern)));
  end if;
  if not opinionated_events.is_name(topic_read) and not (topic_read = '*' and pattern = '*') then
    perform opinionated_events.refuse('INVALID_NAME', format('INVALID_NAME: %s can''t name a topic.', opinionated_events.show(topic_read)));
  end if;
  -- Who retires segments of the log has it alone: no cursor begins in one that is about to go.
  perform pg_advisory_xact_lock_shared(hashtext('opinionated_events.retention'), 0);
  perform opinionated_events.lock_subscriptions(queue);
  perform opinionated_events.add_subscription(queue, pattern, topic_read, coalesce(start_at, 'infinity'), start_position);
end $$;

-- Whether a subscription to topic_read is one to the topic. One to every topic is none to that of dead letters.
create function opinionated_events.is_read(topic_read text, topic text) returns boolean language sql immutable as $$
  select topic_read = topic or topic_read = '*' and topic <> 'dead_letter'
$$;

-- Drops the cursors that no subscription needs any more, unless workers still hold messages from there, which may have to
-- be taken over.
create function opinionated_events.drop_cursors(queues text[]) returns void language plpgsql as $$
declare
  c record;
begin
  for c in
    select qt.queue, qt.topic from opinionated_events.queue_topic qt where qt.queue = any (queues) and not exists (
      select from opinionated_events.subscription s where s.queue = qt.queue and opinionated_events.is_read(s.topic, qt.topic))
  loop
    -- Not now, if a subscription or a claim is under way.
    continue when not pg_try_advisory_xact_lock(hashtext('opinionated_events.subscribe:' || c.queue), 0)
      or not pg_try_advisory_xact_lock(hashtext('opinionated_events.claim:' || c.queue), hashtext(c.topic));
    delete from opinionated_events.queue_topic qt where qt.queue = c.queue and qt.topic = c.topic
      and not exists (select from opinionated_events.subscription s where s.queue = c.queue and opinionated_events.is_read(s.topic, c.topic))
      and not exists (select from opinionated_events.lease l where l.queue = c.queue and l.topic = c.topic);
    continue when not found;
    delete from opinionated_events.batch b where b.queue = c.queue and b.topic = c.topic;
    delete from opinionated_events.move v where v.queue = c.queue and v.topic = c.topic;
  end loop;
end $$;

-- Ends a subscription; false if there is none. What the queue has taken from the log already it keeps, and handles.
-- discard: what waits to be handled and is not wanted any more is deleted, dead letters excepted. In a transaction of its own.
create function opinionated_events.unsubscribe(queue text, pattern text, discard boolean default false) returns boolean
language plpgsql as $$
declare
  existed boolean;
begin
  perform opinionated_events.require_own_transaction('unsubscribe');
  perform opinionated_events.lock_subscriptions(queue);
  delete from opinionated_events.subscription s where s.queue = unsubscribe.queue and s.pattern = unsubscribe.pattern;
  existed := found;
  perform opinionated_events.drop_cursors(array[queue]);
  if discard then
    delete from opinionated_events.delivery d
    where d.queue = unsubscribe.queue and d.state <> 'dead' and d.token is null and not opinionated_events.is_match(d.name,
      array(select s.pattern from opinionated_events.subscription s where s.queue = d.queue and s.topic in (d.topic, '*')));
  end if;
  return existed;
end $$;

create view opinionated_events.subscriptions as
select queue, topic, pattern, created_at from opinionated_events.subscription;

-- Where a queue stands on a topic, and what it has not read: lag counts what it wants among the next 10,000 messages, so
-- that the cost is bounded however far behind it is. Nulls for '*', which stands for topics not met yet.
-- With its owner's rights, so that a view which calls it is all that a role must be allowed to read. A function, because a
-- view would hold on to the columns of the log.
--
-- The arithmetic is that of a claim (docs/decisions/windows.md), for rows that are visible now: the rest of the window and
-- all that was drawn after it, then what was in flight when it was opened.
create function opinionated_events.progress(
  q text, t text, out "position" bigint, out lag bigint, out oldest_unread_at timestamptz
) language plpgsql stable security definer set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off set jit = off
set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
declare
  c opinionated_events.batch;
  patterns text[] := array(select s.pattern from opinionated_events.subscription s where s.queue = q and s.topic in (t, '*'));
  read_to bigint;
begin
  select * into c from opinionated_events.batch b where b.queue = q and b.topic = t
    order by b.queue desc, b.topic desc, b.seq desc limit 1;
  if not found or t = '*' then return; end if;
  read_to := case when c.last then greatest(c.head, c.base) else c.hi end;
  position := read_to;
  select count(*), min(u.published_at) into lag, oldest_unread_at
  from (
    (select m.name, m.published_at from opinionated_events.message m
      where m.topic = t and m.position > read_to and (
        m.position > c.head
        or m.xid = any (c.late)
        or m.xid >= c.lo_mark and m.position > c.lo_head and pg_visible_in_snapshot(m.xid, c.vis)
        or m.position > c.base and not pg_visible_in_snapshot(m.xid, c.cur))
      order by m.topic, m.position limit 10000)
    union all
    (select m.name, m.published_at from opinionated_events.message m
      where m.topic = t and m.xid >= pg_snapshot_xmin(c.cur) and m.xid <= c.mark
        and m.position > c.base and m.position <= read_to and not pg_visible_in_snapshot(m.xid, c.cur)
      order by m.topic, m.xid, m.position limit 10000)
    limit 10000) u
  where opinionated_events.is_match(u.name, patterns);
end $$;

-- One row a queue and topic. Not head(), which asks for the caller's rights on the sequence; to look at, the row is exact enough.
create view opinionated_events.queue_state as
select
  k.queue, k.topic, p.position,
  (select case when is_called then last_value else last_value - 1 end from opinionated_events.position) as head,
  p.lag, p.oldest_unread_at,
  (select count(*) from opinionated_events.lease l where l.queue = k.queue and l.topic = k.topic) as leased_batches,
  coalesce(k.waiting, 0) as waiting, coalesce(k.scheduled, 0) as scheduled, coalesce(k.retrying, 0) as retrying,
  coalesce(k.parked, 0) as parked, coalesce(k.held, 0) as held, coalesce(k.dead, 0) as dead
from (opinionated_events.queue_topic full join (
  select queue, topic,
    count(*) filter (where state = 'waiting') as waiting, count(*) filter (where state = 'scheduled') as scheduled,
    count(*) filter (where state = 'retrying') as retrying, count(*) filter (where state = 'parked') as parked,
    count(*) filter (where state = 'held') as held, count(*) filter (where state = 'dead') as dead
  from opinionated_events.delivery group by queue, topic
) d using (queue, topic)) as k
cross join lateral opinionated_events.progress(k.queue, k.topic) p;

-- What was given up, until somebody removes it.
create view opinionated_events.dead_letter as
select queue, topic, position, name, id, key, payload, headers, published_at, attempt as attempts,
  reason ->> 'code' as reason_code, reason ->> 'message' as reason_message, reason ->> 'stack' as reason_stack, changed_at as died_at,
  failures, redriven
from opinionated_events.delivery where state = 'dead';

-- What waits for a process that has a handler for it.
create view opinionated_events.parked as
select queue, topic, position, name, id, key, payload, headers, published_at, changed_at as parked_at
from opinionated_events.delivery where state = 'parked';

-- What is in the log under names that no subscription wants now: misspelt, or published before its receiver was deployed.
-- Reads the whole log. A function, and with its owner's rights, as progress() is.
create function opinionated_events.unwanted() returns table (
  topic text, name text, messages bigint, first_published_at timestamptz, last_published_at timestamptz
) language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
begin
  return query
  select m.* from (
    select topic::text, name::text, count(*), min(published_at), max(published_at)
    from opinionated_events.message group by 1, 2) m
  where not exists (
    select from opinionated_events.subscription s
    where opinionated_events.is_read(s.topic, m.topic) and opinionated_events.is_match(m.name, array[s.pattern]));
end $$;
revoke execute on function opinionated_events.unwanted from public;
