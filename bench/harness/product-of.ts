import type { Product } from "../products/product.js";

/** Where a product is, for a process that must load no other: a file of products/, and the name it exports. */
export interface ProductOf {
  readonly file: string;
  readonly name: string;
}

export async function loadProduct({ file, name }: ProductOf): Promise<Product> {
  const module = await import(new URL(`../products/${file}.js`, import.meta.url).href);
  return module[name];
}
