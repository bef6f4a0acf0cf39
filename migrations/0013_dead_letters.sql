-- Dead letters: finding them, giving them back, deleting them, and telling who subscribes to them. Each death has a number of
-- its own, drawn from a sequence; a letter that is given back loses its number, and gets a higher one if it dies again. So
-- what was dead when an operation began has a number up to the sequence's last value then, and what dies of it later has not.

-- Of what is dead alone, so that no other delivery pays for them.
create index delivery_dead on opinionated_events.delivery (died) where state = 'dead';
create index delivery_dead_queue on opinionated_events.delivery (queue, died) where state = 'dead';
create index delivery_dead_id on opinionated_events.delivery (id) where state = 'dead';

-- The number of the last death, 0 before the first. What had died when it is called has a number up to it.
create function opinionated_events.last_death() returns bigint language plpgsql volatile as $$
begin
  return coalesce(pg_sequence_last_value('opinionated_events.death'), 0);
end $$;

-- The end of a statement about the dead letters d that fit, with numbers above low and up to high. A text, since each filter wants
-- an index of its own. filter: {queue, topic, name, key, id, code, diedAfter, diedBefore}, of which name may be a pattern.
create function opinionated_events.from_dead(filter json, low bigint, high bigint) returns text language sql stable as $$
  select case
      when filter ->> 'id' is not null then format(
        'from (select * from opinionated_events.delivery x where x.state = ''dead'' and x.id = %L offset 0) d', filter ->> 'id')
      else 'from opinionated_events.delivery d' end
    || ' where d.state = ''dead'' and ' || case
      when filter ->> 'queue' is not null then format(
        '(d.queue, d.died) > (%1$L, %2$s) and (d.queue, d.died) <= (%1$L, %3$s)', filter ->> 'queue', low, high)
      else format('d.died > %s and d.died <= %s', low, high) end
    || coalesce(' and d.topic = ' || quote_literal(filter ->> 'topic'), '')
    || coalesce(' and opinionated_events.is_match(d.name, array[' || quote_literal(filter ->> 'name') || '])', '')
    || coalesce(' and d.key = ' || quote_literal(filter ->> 'key'), '')
    || coalesce(' and d.reason ->> ''code'' = ' || quote_literal(filter ->> 'code'), '')
    || coalesce(' and d.changed_at >= ' || quote_literal(filter ->> 'diedAfter'), '')
    || coalesce(' and d.changed_at < ' || quote_literal(filter ->> 'diedBefore'), '')
$$;

-- In the order of deaths, as the index has it.
create function opinionated_events.order_of_deaths(filter json, newest boolean) returns text language sql immutable as $$
  select replace(case when filter ->> 'queue' is null then ' order by d.died%' else ' order by d.queue%, d.died%' end,
    '%', case when newest then ' desc' else '' end)
$$;

-- At most n of them, newest or oldest first.
create function opinionated_events.list_dead(filter json, low bigint, high bigint, newest boolean, n int)
returns setof opinionated_events.delivery language plpgsql stable
set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off set jit = off as $$
begin
  return query execute 'select d.* ' || opinionated_events.from_dead(filter, low, high)
    || opinionated_events.order_of_deaths(filter, newest) || ' limit $1' using n;
end $$;

create function opinionated_events.count_dead(filter json) returns bigint language plpgsql stable
set enable_seqscan = off set enable_bitmapscan = off set jit = off as $$
declare
  found bigint;
begin
  execute 'select count(*) ' || opinionated_events.from_dead(filter, 0, 9223372036854775807) into found;
  return found;
end $$;

-- The numbers of at most n of them, the oldest first.
create function opinionated_events.choose_dead(filter json, low bigint, high bigint, n int) returns bigint[] language plpgsql stable
set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off set jit = off as $$
declare
  chosen bigint[];
begin
  execute 'select array(select d.died ' || opinionated_events.from_dead(filter, low, high)
    || opinionated_events.order_of_deaths(filter, false) || ' limit $1)' into chosen using n;
  return chosen;
end $$;

-- Gives back at most n of those that died after number `after` and up to `bound`: they are due as if nothing had been tried, and
-- keep the history of what was. In an ordered queue they stand in their key's line, by their position. Returns how many, and the
-- number to go on after; null if there are no more.
--
-- Once each: who does the same at the same time waits for the row, then sees that its number is gone. Done again after its
-- answer was lost, it finds what it has given back alive, or dead with a number above the bound.
--
-- Locks: of ordered queues first, in the order in which a sweep takes several, then rows that are dead, which nobody
-- else locks but to redrive or delete them, in the order of their numbers.
create function opinionated_events.redrive_dead(filter json, after bigint, bound bigint, n int, out done int, out go_on bigint)
language plpgsql volatile
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off as $$
declare
  chosen bigint[] := opinionated_events.choose_dead(filter, after, bound, n);
  lines json;
  line record;
begin
  go_on := case when cardinality(chosen) = n then chosen[n] end;
  perform opinionated_events.lock_ordered(q.name) from (
    select q.name from opinionated_events.queue q where q.ordered and q.name in (
      select d.queue from opinionated_events.delivery d where d.state = 'dead' and d.died = any (chosen))
    order by q.name) q;
  with back as (
    update opinionated_events.delivery d
    set state = c.state, due_at = opinionated_events.due_at(c.state, 0, null), attempt = 0, lost = 0, died = null,
      redriven = d.redriven + 1, changed_at = clock_timestamp()
    from (
      select x.queue, x.position, x.died, case when x.key is not null and exists (
        select from opinionated_events.queue q where q.name = x.queue and q.ordered) then 'held' else 'waiting' end as state
      from unnest(chosen) with ordinality o (died, place)
      join opinionated_events.delivery x on x.state = 'dead' and x.died = o.died order by o.place) c
    where d.queue = c.queue and d.position = c.position and d.state = 'dead' and d.died = c.died
    returning d.queue, d.topic, d.key, d.state)
  select
    (select count(*) from back),
    (select json_agg(l) from (
      select b.queue, b.topic, array_agg(distinct b.key) as keys from back b where b.state = 'held' group by b.queue, b.topic) l)
    into done, lines;
  for line in select * from json_to_recordset(lines) as l (queue text, topic text, keys text[]) loop
    perform opinionated_events.release(line.queue, line.topic, line.keys);
  end loop;
  if done > 0 then perform opinionated_events.notify_idle('due'); end if;
end $$;

-- As redrive_dead(), but deletes them.
create function opinionated_events.purge_dead(filter json, after bigint, bound bigint, n int, out done int, out go_on bigint)
language plpgsql volatile
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off as $$
declare
  chosen bigint[] := opinionated_events.choose_dead(filter, after, bound, n);
begin
  go_on := case when cardinality(chosen) = n then chosen[n] end;
  delete from opinionated_events.delivery d using unnest(chosen) c (died) where d.state = 'dead' and d.died = c.died;
  get diagnostics done = row_count;
end $$;

-- Publishes what has just died as messages of the topic dead_letter, if a queue reads that topic by its name. What dies of that
-- topic itself is not published again. To be called in the transaction that records the deaths.
create function opinionated_events.publish_deaths(deaths bigint[]) returns void language plpgsql volatile
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off as $$
begin
  if not exists (select from opinionated_events.subscription s where s.topic = 'dead_letter') then return; end if;
  insert into opinionated_events.message (id, topic, name, key, payload)
  -- As much of the queue's name as fits in a name.
  select opinionated_events.new_id(), 'dead_letter', left('dead_letter.' || d.queue, 255), d.key, json_build_object(
    'queue', d.queue, 'id', d.id, 'name', d.name, 'topic', d.topic, 'key', d.key, 'payload', d.payload, 'headers', d.headers,
    'reason', d.reason, 'attempts', d.failures, 'diedAt', d.changed_at)
  from opinionated_events.delivery d
  where d.state = 'dead' and d.died = any (deaths) and d.topic <> 'dead_letter'
  order by d.died;
end $$;

-- For people: all at once, in one transaction. What is not given is not looked at.
create function opinionated_events.dead_filter(
  queue text, topic text, name text, key text, id uuid, code text, died_after timestamptz, died_before timestamptz
) returns json language sql stable as $$
  select json_strip_nulls(json_build_object('queue', queue, 'topic', topic, 'name', name, 'key', key, 'id', id, 'code', code,
    'diedAfter', died_after, 'diedBefore', died_before))
$$;

create function opinionated_events.redrive(
  queue text default null, topic text default null, name text default null, key text default null, id uuid default null,
  code text default null, died_after timestamptz default null, died_before timestamptz default null
) returns int language sql volatile as $$
  select done from opinionated_events.redrive_dead(
    opinionated_events.dead_filter(queue, topic, name, key, id, code, died_after, died_before),
    0, opinionated_events.last_death(), 2147483647)
$$;

create function opinionated_events.purge(
  queue text default null, topic text default null, name text default null, key text default null, id uuid default null,
  code text default null, died_after timestamptz default null, died_before timestamptz default null
) returns int language sql volatile as $$
  select done from opinionated_events.purge_dead(
    opinionated_events.dead_filter(queue, topic, name, key, id, code, died_after, died_before),
    0, opinionated_events.last_death(), 2147483647)
$$;
