-- The log: append-only, one row a message however many queues read it. Never updated.

-- The order of the log. It must stay "cache 1": a session that holds cached values would write
-- positions below a head that a reader has already passed.
create sequence opinionated_events.position as bigint cache 1;

-- The log is a ring of segments, so that space comes back by TRUNCATE. This says which one is written to, and what of ids is
-- known to be new: times 8 plus the segment's number, the milliseconds since 1970 from which on no older segment holds a UUIDv7.
-- A sequence, because it must be read as it is now: a REPEATABLE READ publisher would see the row of a table as it was.
create sequence opinionated_events.current_segment as bigint minvalue 0;
select setval('opinionated_events.current_segment', 0);

create table opinionated_events.message (
  xid xid8 not null default pg_current_xact_id(),
  -- The argument of nextval assigns the transaction's xid, so the xid precedes the draw in every order in
  -- which an insert may evaluate its defaults. A window opened between a draw and its xid would skip the row.
  position bigint not null default nextval(
    case when pg_current_xact_id() > '0'::xid8 then 'opinionated_events.position'::regclass end),
  published_at timestamptz not null default clock_timestamp(),
  deliver_at timestamptz,
  id uuid not null,
  segment smallint not null default (pg_sequence_last_value(
    case when pg_current_xact_id() > '0'::xid8 then 'opinionated_events.current_segment'::regclass end) & 7)::smallint,
  topic text collate "C" not null,
  name text collate "C" not null,
  key text,
  -- json, not jsonb: kept to the letter, and cheaper to write.
  payload json not null,
  headers json
) partition by list (segment);

-- New rows of a window are read by position. By the hash of the name most of what a queue does not want is passed over in the
-- index, without a look at the row; a number, since it is tested for each entry.
create index message_position on opinionated_events.message (topic, position, hashtext(name));
-- Late rows are read by transaction, in slices of positions: a transaction may hold a million of them.
create index message_xid on opinionated_events.message (topic, xid, position);

-- One at a time is written to; whoever has an older xid than the mark of a closed one may still write to that.
create table opinionated_events.segment (
  number smallint primary key,
  -- Null if it is free.
  opened_at timestamptz,
  closed_at timestamptz,
  mark xid8
);
insert into opinionated_events.segment (number, opened_at)
  select k, case k when 0 then clock_timestamp() end from generate_series(0, 7) k;

-- A message that is published again under its id is stored once: in a segment by its index, else by is_new().
do $$
begin
  for k in 0..7 loop
    execute format('create table opinionated_events.message_%s partition of opinionated_events.message for values in (%s)', k, k);
    execute format('create unique index message_%s_id on opinionated_events.message_%s (id)', k, k);
  end loop;
end $$;

-- The least UUIDv7 that no segment but the register's can hold.
create function opinionated_events.first_new_id(register bigint) returns uuid language sql immutable as $$
  select (lpad(to_hex(register >> 3), 12, '0') || repeat('0', 20))::uuid
$$;

-- One row: where a statement is to store messages, and what it needs for is_new(). The register is read when the transaction has
-- its xid: who has read an old value has an older xid than whoever changed it.
create view opinionated_events.writing as
with x as materialized (
  select pg_sequence_last_value(
    case when pg_current_xact_id() > '0'::xid8 then 'opinionated_events.current_segment'::regclass end) as register)
select (x.register & 7)::smallint as segment, opinionated_events.first_new_id(x.register) as first_new from x;

create function opinionated_events.is_stored(id uuid) returns boolean language plpgsql volatile
set enable_seqscan = off set enable_bitmapscan = off set jit = off as $$
begin
  return exists (select from opinionated_events.message m where m.id = is_stored.id);
end $$;

-- Whether no segment holds a message of that id; of the one that is written to, its index knows. docs/decisions/segments.md
create function opinionated_events.is_new(id uuid, first_new uuid) returns boolean language sql volatile as $$
  select id >= first_new and substr(id::text, 15, 1) = '7' or not opinionated_events.is_stored(id)
$$;

-- Stores a message; false if there was one of that id. deliver_at is given as a time, or as a delay that only the database's
-- clock turns into one. A function, as append_many, so that the insert is planned once a session: over the segments that
-- costs more than to run it.
create function opinionated_events.append_one(
  id uuid, topic text, name text, key text, payload json, headers json, deliver_at timestamptz, delay_ms float8
) returns boolean language plpgsql volatile as $$
declare
  -- As in the view.
  register bigint := pg_sequence_last_value(
    case when pg_current_xact_id() > '0'::xid8 then 'opinionated_events.current_segment'::regclass end);
begin
  if not opinionated_events.is_new(id, opinionated_events.first_new_id(register)) then return false; end if;
  insert into opinionated_events.message (segment, id, topic, name, key, payload, headers, deliver_at)
  values ((register & 7)::smallint, append_one.id, append_one.topic, append_one.name, append_one.key, append_one.payload,
    append_one.headers, coalesce(append_one.deliver_at, clock_timestamp() + delay_ms * interval '1 ms'))
  on conflict do nothing;
  return found;
end $$;

-- Stores n messages in their order. Returns null if all are stored, as nearly always; else the ids of those that were not there.
create function opinionated_events.append_many(messages json, n int) returns text language plpgsql volatile as $$
declare
  register bigint := pg_sequence_last_value(
    case when pg_current_xact_id() > '0'::xid8 then 'opinionated_events.current_segment'::regclass end);
  first_new uuid := opinionated_events.first_new_id(register);
  current smallint := register & 7;
  ids uuid[];
begin
  with stored as (
    insert into opinionated_events.message (segment, id, topic, name, key, payload, headers, deliver_at)
    -- json_to_recordset makes an SQL null of a payload that is null.
    select current, m.id, m.topic, m.name, m.key, coalesce(m.payload, 'null'), m.headers,
      coalesce(m.deliver_at, clock_timestamp() + m.delay_ms * interval '1 ms')
    from json_to_recordset(messages) as m (
      id uuid, topic text, name text, key text, payload json, headers json, deliver_at timestamptz, delay_ms float8)
    where opinionated_events.is_new(m.id, first_new)
    on conflict do nothing
    returning message.id)
  select array_agg(stored.id) into ids from stored;
  return case when cardinality(ids) = n then null else coalesce(array_to_string(ids, ','), '') end;
end $$;

-- The last position drawn, 0 before the first draw. Never read it from the sequence's row: each 32nd draw writes there for a
-- moment how far it has logged, and a head too far ahead passes over what is drawn next (docs/decisions/windows.md).
create function opinionated_events.head() returns bigint language plpgsql volatile as $$
begin
  return coalesce(pg_sequence_last_value('opinionated_events.position'), 0);
end $$;

-- The advisory lock of a key. Taken before the draw and held to the end of the transaction, it makes the order of positions
-- that of commits, key by key. A bigint, because our other locks are pairs of ints, whose space is another one.
create function opinionated_events.key_lock(topic text, key text) returns bigint language sql immutable as $$
  select hashtextextended('opinionated_events.key:' || topic || ' ' || key, 0)
$$;
