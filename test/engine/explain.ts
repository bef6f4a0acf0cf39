import type pg from "pg";

/** A node of a plan, as EXPLAIN (FORMAT JSON) writes it. */
interface PlanNode {
  readonly "Node Type": string;
  readonly "Parent Relationship"?: string;
  readonly "Relation Name"?: string;
  readonly "Index Name"?: string;
  readonly "Actual Rows"?: number;
  readonly "Actual Loops"?: number;
  readonly "Rows Removed by Filter"?: number;
  readonly "Rows Removed by Index Recheck"?: number;
  readonly Plans?: readonly PlanNode[];
}

/**
 * A node that reads a table, and the node above it that is more than the union of its partitions, or a filter of that; for an
 * EXISTS, which reads one row, a SubPlan.
 */
export interface Scan {
  readonly node: PlanNode;
  readonly parent: PlanNode | undefined;
}

/** The scans of a table in the plans that a statement used, also inside functions. Needs a superuser. */
export async function scansOf(
  session: pg.Client,
  table: RegExp,
  statement: string,
): Promise<Scan[]> {
  const plans = await plansOf(session, statement);
  return plans
    .flatMap((plan) => scansIn(plan))
    .filter(({ node }) => table.test(node["Relation Name"] ?? ""));
}

async function plansOf(session: pg.Client, statement: string): Promise<PlanNode[]> {
  const plans: PlanNode[] = [];
  const collect = ({ message }: { message?: string | undefined }) => {
    const json = message?.slice(message.indexOf("{"));
    if (message?.includes("plan:") && json) plans.push(JSON.parse(json).Plan);
  };
  await session.query(`load 'auto_explain';
    set auto_explain.log_min_duration = 0; set auto_explain.log_nested_statements = on;
    set auto_explain.log_analyze = on; set auto_explain.log_format = json; set client_min_messages = log`);
  session.on("notice", collect);
  await session.query(statement);
  session.off("notice", collect);
  await session.query("set auto_explain.log_min_duration = -1; reset client_min_messages");
  return plans;
}

const SUB_PLAN: PlanNode = { "Node Type": "SubPlan" };

function scansIn(node: PlanNode, parent?: PlanNode): Scan[] {
  const passes = /Append$|^Subquery Scan$/.test(node["Node Type"]);
  const below = (node.Plans ?? []).flatMap((child) => {
    if (child["Parent Relationship"] === "SubPlan") return scansIn(child, SUB_PLAN);
    return scansIn(child, passes ? parent : node);
  });
  return node["Node Type"].includes("Scan") ? [{ node, parent }, ...below] : below;
}
