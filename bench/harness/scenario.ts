import type pg from "pg";

/** Where one run of one contender takes place: a database of its own, empty at first. */
export interface Place {
  readonly url: string;
  /** Of that database, for preparations and checks. What a contender is timed with it makes itself. */
  readonly pool: pg.Pool;
}

/** What a run measured, by name: `rate` in messages/s, `p50` and `p99` in ms, and so on, as the scenario defines them. */
export type Figures = Record<string, number>;

/**
 * Who takes part. Figures of several with the same role compete: the best counts. `bare` is a floor that does less than the
 * task, shown beside it; a claim names it.
 */
export type Role = "ours" | "floor" | "bare" | "peer";

export interface Contender {
  /** Without its settings, as in `pg-boss`; with them where there are several, as in `pg-boss, defaults`. */
  readonly name: string;
  readonly role: Role;
  /** One run, prepared and timed. Rejects if a message was lost, left or handled twice: such a run is void. */
  run(place: Place): Promise<Figures>;
}

/** The medians over all rounds. */
export interface Medians {
  ours(figure: string): number;
  /** Of the best floor, or peer: the greatest, or the least where less is better. NaN if there is none. */
  floor(figure: string): number;
  peer(figure: string): number;
  /** Of the contender of this name. */
  of(contender: string, figure: string): number;
}

/** What must hold, or is aimed at. */
export interface Claim {
  readonly level: "must" | "aim";
  /** As in `>= 85 % of the floor`. */
  readonly text: string;
  holds(medians: Medians): boolean;
}

export interface Scenario {
  /** As in `A1`. */
  readonly id: string;
  readonly title: string;
  /** The figure of the table and the plot, and its unit. */
  readonly figure: string;
  readonly unit: string;
  /** Figures of which less is better, `p99` for instance; of all others more is. */
  readonly lessIsBetter?: readonly string[];
  readonly contenders: readonly Contender[];
  readonly claims: readonly Claim[];
}

interface Size {
  /** The long form. */
  readonly full: boolean;
}

export type MakeScenario = (size: Size) => Scenario;
