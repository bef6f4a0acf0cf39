-- Deduplication by key, and the guarded way to publish. Within its window, a second message of a topic and dedup key is not stored. A row for each key
-- that a message has taken, until some time after its window; docs/decisions/deduplication.md says why it is so.

create table opinionated_events.dedup (
  -- Of topic and key, since a key can be longer than what fits in an index.
  digest bytea primary key,
  -- The message that has taken the key.
  id uuid not null,
  until timestamptz not null
);
create index dedup_until on opinionated_events.dedup (until);

-- Takes the key for a message that is to be stored next; false if it must not be: another one has the key, or its id is
-- in the log already, in which case the key stays as it is. Waits for a transaction under way that has taken the key.
create function opinionated_events.take_dedup_key(topic text, key text, for_ms float8, id uuid) returns boolean
language plpgsql volatile as $$
begin
  insert into opinionated_events.dedup as d (digest, id, until)
  -- No topic holds a blank.
  select sha256(convert_to(take_dedup_key.topic || ' ' || take_dedup_key.key, 'UTF8')), take_dedup_key.id,
    clock_timestamp() + for_ms * interval '1 ms'
  where not opinionated_events.is_stored(take_dedup_key.id)
  on conflict (digest) do update set id = excluded.id, until = excluded.until where d.until <= clock_timestamp();
  return found;
end $$;

-- As append_many, of messages some of which have a dedup key or are ordered by key. One statement ends before the next begins: the
-- locks are held before any dedup key is taken and any position drawn. Locks and keys are taken in an order that is the same for all.
create function opinionated_events.append_guarded(messages json, n int) returns text language plpgsql volatile as $$
declare
  ids uuid[];
begin
  perform pg_advisory_xact_lock(k.lock) from (
    select distinct opinionated_events.key_lock(m.topic, m.key) as lock
    from json_to_recordset(messages) as m (topic text, key text, ordered_by_key boolean)
    where m.ordered_by_key order by 1) k;
  with m as materialized (
    select row_number() over () as nth, r.* from json_to_recordset(messages) as r (
      id uuid, topic text, name text, key text, payload json, headers json, deliver_at timestamptz, delay_ms float8,
      dedup_key text, dedup_ms float8)),
  taken as materialized (
    select k.nth, opinionated_events.take_dedup_key(k.topic, k.dedup_key, k.dedup_ms, k.id) as is_taken from (
      select m.* from m where m.dedup_key is not null order by m.topic, m.dedup_key, m.nth) k),
  stored as (
    insert into opinionated_events.message (segment, id, topic, name, key, payload, headers, deliver_at)
    select w.segment, m.id, m.topic, m.name, m.key, coalesce(m.payload, 'null'), m.headers,
      coalesce(m.deliver_at, clock_timestamp() + m.delay_ms * interval '1 ms')
    from m cross join opinionated_events.writing w
    where (m.dedup_key is null or m.nth in (select taken.nth from taken where taken.is_taken))
      and opinionated_events.is_new(m.id, w.first_new)
    order by m.nth
    on conflict do nothing
    returning message.id)
  select array_agg(stored.id) into ids from stored;
  return case when cardinality(ids) = n then null else coalesce(array_to_string(ids, ','), '') end;
end $$;

-- Deletes at most n keys whose window is over, and returns how many. Passes over those that are being taken again.
create function opinionated_events.forget_dedup_keys(n int) returns int language plpgsql volatile
set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off set jit = off as $$
declare
  forgotten int;
begin
  delete from opinionated_events.dedup d where d.digest = any (array(
    select x.digest from opinionated_events.dedup x where x.until <= clock_timestamp()
    order by x.until limit n for update skip locked));
  get diagnostics forgotten = row_count;
  return forgotten;
end $$;
