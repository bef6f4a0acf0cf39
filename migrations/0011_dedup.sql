-- Deduplication by key: within its window, a second message of a topic and dedup key is not stored. A row for each key
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
  where not exists (select from opinionated_events.message m where m.id = take_dedup_key.id)
  on conflict (digest) do update set id = excluded.id, until = excluded.until where d.until <= clock_timestamp();
  return found;
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
