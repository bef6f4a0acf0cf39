export interface PostgresServer {
  /** Of a superuser, on the database `postgres`. */
  readonly url: string;
  /** Where it came from, for people. */
  readonly kind: string;
  /** Stops the server and removes its data; does nothing to a server that was there before. */
  stop(): Promise<void>;
}

export interface KafkaServer {
  /** Host and port of each broker, with commas between them. */
  readonly brokers: string;
  /** Where it came from, for people. */
  readonly kind: string;
  /** Stops the broker and removes its data; does nothing to one that was there before. */
  stop(): Promise<void>;
}
