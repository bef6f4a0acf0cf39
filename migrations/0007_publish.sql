-- Publishing in SQL: from psql, a trigger, a function, or any language. docs/sql.md is the manual.
-- What the TypeScript API refuses is refused here, with the same codes.

-- For error messages: a text in quotes, on one line, not long. Never given a payload.
create function opinionated_events.show(value text) returns text language sql immutable as $$
  select coalesce(to_json(left(value, 80))::text, 'null')
$$;

-- The detail is the code that the error has in TypeScript.
create function opinionated_events.refuse(code text, problem text) returns void language plpgsql as $$
begin
  raise exception using errcode = 'invalid_parameter_value', message = problem, detail = code, hint = case code
    when 'INVALID_ENVELOPE' then 'Give an array of objects with name and payload and, as needed, key, headers, deliverAt, dedupKey, dedupMs, id, topic; without NUL characters and lone surrogates.'
    when 'INVALID_NAME' then 'Use 1 to 255 of A-Z a-z 0-9 _ - . : in a name; what precedes the first dot of a message''s name is its topic, unless one is given.'
    when 'INVALID_PATTERN' then 'Use a name, a name followed by ".*", or "*".'
    when 'INVALID_ID' then 'Use a UUID of version 1 to 8, or leave it out to get a new one.'
    when 'INVALID_KEY' then 'Use 1 to 1,000 characters, or leave it out; what is ordered by key needs a key.'
    when 'INVALID_HEADERS' then 'Use an object of strings, with names that are not empty, without NUL characters and lone surrogates.'
    when 'INVALID_TIME' then 'Use a time in the years 1 to 9999; as text: ISO 8601 with an offset. A window is a number of milliseconds, 0 or more.'
    when 'INVALID_PAYLOAD' then 'Use json, jsonb, or text that is JSON (null is ''null''; to_jsonb makes JSON of a row), without NUL characters, lone surrogates and numbers beyond double precision, at most 1,000 levels deep; with a content-type that is not JSON, a string in base64.'
    end;
end $$;

create function opinionated_events.is_name(value text) returns boolean language sql immutable as $$
  select coalesce(length(value) <= 255 and value ~ '^[A-Za-z0-9_.:-]+$', false)
$$;

create function opinionated_events.is_id(value text) returns boolean language sql immutable as $$
  select value ~* '^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$'
$$;

-- As long as JavaScript finds it, where a character beyond the basic plane counts twice.
create function opinionated_events.is_key(value text) returns boolean language plpgsql immutable strict as $$
begin
  if length(value) <= 500 then return value <> ''; end if;
  return length(value) + length(regexp_replace(value, E'[^\\U00010000-\\U0010ffff]', '', 'g')) <= 1000;
end $$;

create function opinionated_events.is_time(value text) returns boolean language plpgsql stable strict as $$
begin
  return value ~ E'^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?(Z|[+-]\\d\\d:\\d\\d(:\\d\\d)?)$'
    and value::timestamptz between '0001-01-01T00:00:00Z' and '9999-12-31T23:59:59.999999Z';
exception when data_exception then
  return false; -- there is no such day
end $$;

-- A number of milliseconds from now on that ends by the year 9999.
create function opinionated_events.is_delay(value json) returns boolean language plpgsql stable strict as $$
begin
  return json_typeof(value) = 'number'
    and (value #>> '{}')::float8 between 0 and extract(epoch from timestamptz '9999-12-31T23:59:59.999Z' - clock_timestamp()) * 1000;
exception when data_exception then
  return false; -- beyond double precision
end $$;

-- Whether a JSON text holds no escape for what is no text: a NUL character, or half of a surrogate pair.
create function opinionated_events.is_storable(value text) returns boolean language sql immutable as $$
  select strpos(value, E'\\u') = 0 or regexp_replace(
    replace(value, E'\\\\', '_'), E'\\\\u[dD][89abAB]..\\\\u[dD][c-fC-F]..', '', 'g') !~ E'\\\\u(0000|[dD][89a-fA-F])'
$$;

create function opinionated_events.are_headers(value json) returns boolean language plpgsql immutable strict as $$
begin
  return json_typeof(value) = 'object' and opinionated_events.is_storable(value::text)
    and not exists (select from json_each(value) h where h.key = '' or json_typeof(h.value) <> 'string');
end $$;

create function opinionated_events.is_base64(value json) returns boolean language plpgsql immutable strict as $$
begin
  return json_typeof(value) = 'string'
    and replace(encode(decode(value #>> '{}', 'base64'), 'base64'), E'\n', '') = value #>> '{}';
exception when invalid_parameter_value then
  return false;
end $$;

-- Whether no number of it is beyond double precision, and nothing more than 1,000 levels deep.
create function opinionated_events.is_readable(value json) returns boolean language plpgsql immutable strict as $$
begin
  return not jsonb_path_exists(value::jsonb, 'strict $.**{1000} ? (@.type() == "object" || @.type() == "array")')
    and not jsonb_path_exists(value::jsonb, 'strict $.** ? (@.type() == "number"
      && (@ >= 1.797693134862315808e308 || @ <= -1.797693134862315808e308))');
exception when numeric_value_out_of_range then
  return false;
end $$;

create function opinionated_events.is_payload(value json, content_type text) returns boolean language plpgsql immutable as $$
begin
  if value is null or not opinionated_events.is_storable(value::text) then return false; end if;
  if content_type !~* E'^\\s*[^/;\\s]+/([^/;\\s]+[+])?json\\s*(;|$)' then return opinionated_events.is_base64(value); end if;
  -- Without these there is no such number, and it can't be so deep; the look itself costs more than the insert.
  if value::text ~ E'\\d[eE][+]?\\d{3,}\\s*([],}]|$)' or length(value::text) > 300 and (value::text ~ E'\\d{255}'
    or length(value::text) - length(translate(value::text, '[{', '')) > 1000)
    then return opinionated_events.is_readable(value); end if;
  return true;
end $$;

-- A UUID, version 7.
create function opinionated_events.new_id() returns uuid language sql volatile as $$
  select encode(set_bit(set_bit(
    overlay(uuid_send(gen_random_uuid())
      placing substring(int8send(floor(extract(epoch from clock_timestamp()) * 1000)::bigint) from 3) from 1 for 6),
    52, 1), 53, 1), 'hex')::uuid
$$;

-- Stores one message. place: where it is among several, for the error.
create function opinionated_events.append(
  name text, topic text, key text, payload json, headers json, deliver_at text, dedup_key text, dedup_ms json,
  ordered_by_key boolean, place text, inout id text, out status text
) language plpgsql as $$
#variable_conflict use_column
declare
  message_topic text := coalesce(topic, split_part(name, '.', 1));
  defect text := case
    when not opinionated_events.is_name(name) or not opinionated_events.is_name(message_topic) then 'INVALID_NAME'
    when not opinionated_events.is_id(id) then 'INVALID_ID'
    when not opinionated_events.is_key(key) or key is null and ordered_by_key then 'INVALID_KEY'
    when not opinionated_events.is_key(dedup_key) then 'INVALID_KEY'
    when not opinionated_events.are_headers(headers) then 'INVALID_HEADERS'
    when not opinionated_events.is_time(deliver_at) then 'INVALID_TIME'
    when dedup_key is not null and not opinionated_events.is_delay(dedup_ms) then 'INVALID_TIME'
    when not opinionated_events.is_payload(payload, headers ->> 'content-type') then 'INVALID_PAYLOAD'
    end;
begin
  if defect is not null then
    perform opinionated_events.refuse(defect,
      format('%s: the message %s%s can''t be published.', defect, opinionated_events.show(name), place));
  end if;
  id := coalesce(id::uuid, opinionated_events.new_id());
  if ordered_by_key then perform pg_advisory_xact_lock(opinionated_events.key_lock(message_topic, key)); end if;
  if dedup_key is not null and not opinionated_events.take_dedup_key(
    message_topic, dedup_key, coalesce((dedup_ms #>> '{}')::float8, 300000), id::uuid)
  then
    status := 'duplicate';
    return;
  end if;
  status := case when opinionated_events.append_one(
      id::uuid, message_topic, name, key, payload, case when headers::text <> '{}' then headers end, deliver_at::timestamptz, null)
    then 'stored' else 'duplicate' end;
end $$;

-- Raises unless the n-th of several messages has the fields of one, and text that can be read.
create function opinionated_events.check_envelope(m json, n bigint) returns void language plpgsql as $$
begin
  if json_typeof(m) = 'object' and opinionated_events.is_storable(m::text) and not exists (select from json_object_keys(m) f
    where f not in ('id', 'name', 'topic', 'payload', 'key', 'headers', 'publishedAt', 'deliverAt', 'dedupKey', 'dedupMs')) then return; end if;
  perform opinionated_events.refuse('INVALID_ENVELOPE', format('INVALID_ENVELOPE: messages[%s] is not a message.', n));
end $$;

-- Of a value that is to be JSON. No other types, whose conversion could be code of the caller's: publish has its owner's rights.
create function opinionated_events.as_json(value anycompatible, code text) returns json language plpgsql as $$
begin
  if pg_typeof(value) in ('json', 'jsonb') then return value::json; end if;
  if pg_typeof(value) <> 'text'::regtype then
    perform opinionated_events.refuse(code, format('%s: a value of type %s is not JSON.', code, pg_typeof(value)));
  end if;
  begin
    return value::text::json;
  exception when invalid_text_representation then
    perform opinionated_events.refuse(code, format('%s: the text is not JSON.', code));
  end;
end $$;

-- Publishes a message in the caller's transaction. payload and headers are json, jsonb or text that is JSON, both alike.
-- The status is 'stored', or 'duplicate' if there is a message of that id already, or one of the topic has taken the dedup_key
-- less than its dedup_ms ago (default 5 minutes). ordered_by_key: locks the key until the transaction ends.
-- Runs with its owner's rights, so that a publisher needs no other than to execute it.
create function opinionated_events.publish(
  name text, payload anycompatible, key text default null, headers anycompatible default null,
  deliver_at timestamptz default null, inout id uuid default null, topic text default null,
  dedup_key text default null, dedup_ms float8 default null, ordered_by_key boolean default false, out status text
) language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  stored record := opinionated_events.append(name, topic, key, opinionated_events.as_json(payload, 'INVALID_PAYLOAD'),
    opinionated_events.as_json(headers, 'INVALID_HEADERS'), to_json(deliver_at) #>> '{}',
    dedup_key, to_json(dedup_ms), ordered_by_key, '', id::text);
begin
  id := stored.id;
  status := stored.status;
end $$;

-- Publishes an array of messages in their order: objects as on the wire, of which only name and payload are required.
-- Returns a row a message. A time of publishing is ignored, since the log has its own. ordered_by_key: locks the keys of all,
-- in an order that is the same for everybody, before the first is stored.
create function opinionated_events.publish_many(messages anycompatible, ordered_by_key boolean default false)
returns table (id uuid, status text)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
  list json := opinionated_events.as_json(messages, 'INVALID_ENVELOPE');
  m json;
  n bigint;
begin
  if json_typeof(list) <> 'array' then -- nor if it is null, which is what json_agg makes of no rows
    perform opinionated_events.refuse('INVALID_ENVELOPE', 'INVALID_ENVELOPE: the messages are not an array.');
  end if;
  perform opinionated_events.check_envelope(x.m, x.n - 1) from json_array_elements(list) with ordinality x (m, n);
  if ordered_by_key then
    perform pg_advisory_xact_lock(k.lock) from (
      select distinct opinionated_events.key_lock(coalesce(x.m ->> 'topic', split_part(x.m ->> 'name', '.', 1)), x.m ->> 'key') as lock
      from json_array_elements(list) x (m) order by 1) k;
  end if;
  for m, n in select x.m, x.n - 1 from json_array_elements(list) with ordinality x (m, n) loop
    return query select s.id::uuid, s.status
      from json_to_record(m) as r (
        id text, name text, topic text, key text, headers json, "deliverAt" text, "dedupKey" text, "dedupMs" json)
      cross join lateral opinionated_events.append(
        r.name, r.topic, r.key, m -> 'payload', r.headers, r."deliverAt", r."dedupKey", r."dedupMs", ordered_by_key,
        format(' (messages[%s])', n), r.id) s;
  end loop;
end $$;

revoke execute on function opinionated_events.publish, opinionated_events.publish_many from public;
