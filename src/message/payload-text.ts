/** A canonical text of one envelope or an array of them. */
export class CanonicalText {
  readonly #text: string;
  #envelopes: readonly { readonly payload: unknown }[] | undefined;

  constructor(text: string) {
    this.#text = text;
  }

  /** The text of a payload, whatever has been done to its value since. */
  payloadText(index: number): string {
    this.#envelopes ??= [JSON.parse(this.#text)].flat();
    return JSON.stringify(this.#envelopes[index]?.payload);
  }
}

/** The text of a payload, which few ask for and so is made when it is. It holds on to the text that it came with. */
export class PayloadText {
  readonly #whole: CanonicalText;
  readonly #index: number;

  constructor(whole: CanonicalText, index: number) {
    this.#whole = whole;
    this.#index = index;
  }

  read(): string {
    return this.#whole.payloadText(this.#index);
  }
}
