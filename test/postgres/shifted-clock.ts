/** Loaded before anything else: the process's clock is wrong by so many milliseconds. */
const shiftMs = Number(process.env.CLOCK_SHIFT_MS);
const RealDate = Date;

globalThis.Date = new Proxy(RealDate, {
  construct: (target, args, self) =>
    Reflect.construct(target, args.length === 0 ? [RealDate.now() + shiftMs] : args, self),
  get: (target, property) =>
    property === "now" ? () => RealDate.now() + shiftMs : Reflect.get(target, property),
});
