import type { Config } from "./schema/schema.js";

/** What nobody may see of a configuration: passwords in addresses, headers, and what is called a password. */
export function secretsOf(config: Config): readonly string[] {
  const found = new Set<string>();
  collect(config, false, found);
  return [...found].sort((a, b) => b.length - a.length);
}

/** The text without them. */
export function without(secrets: readonly string[], text: string): string {
  return secrets.reduce((result, secret) => result.replaceAll(secret, "***"), text);
}

function collect(value: unknown, isSecret: boolean, found: Set<string>): void {
  if (typeof value === "string") {
    const secrets = isSecret ? [value] : passwordsOf(value);
    for (const secret of secrets) if (secret !== "") found.add(secret);
    return;
  }
  if (typeof value !== "object" || value === null) return;
  for (const [key, inner] of Object.entries(value))
    collect(inner, isSecret || key === "headers" || key === "password", found);
}

/** Of a URL: as it stands there, and decoded. */
function passwordsOf(text: string): readonly string[] {
  if (!URL.canParse(text)) return [];
  const { password } = new URL(text);
  return [password, decoded(password)];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
