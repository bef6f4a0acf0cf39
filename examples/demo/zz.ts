import * as x from "opinionated-events/postgres";
console.log(Object.keys(x));
