#!/usr/bin/env node
/** The command line: `npx opinionated-events --help`. */
import { main } from "./cli/main.js";

main(process.argv.slice(2));
