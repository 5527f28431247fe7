// The collection as a file: reading, writing, and the walk over its requests.

import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const here = (path) => fileURLToPath(new URL(path, import.meta.url));
export const json = (path) => JSON.parse(readFileSync(path, "utf8"));
export const FILE = here("placet.postman_collection.json");

export const write = (collection) => writeFileSync(FILE, `${JSON.stringify(collection, null, 2)}\n`);

/** Every request, with the names of its folders and its own. */
export function* requests(items, above = []) {
  for (const item of items) {
    const path = [...above, item.name];
    if (item.item) yield* requests(item.item, path);
    else yield { item, path: path.join(" / ") };
  }
}

/** Every folder. */
export function* folders(items) {
  for (const item of items) {
    if (!item.item) continue;
    yield item;
    yield* folders(item.item);
  }
}

export const script = (item, listen) =>
  (item.event ?? []).filter((event) => event.listen === listen).flatMap((event) => event.script.exec).join("\n");

/** The statuses that the tests of a request are content with. */
export function wantedStatuses(item) {
  const said = script(item, "test").match(/(?:to\.have\.status\(|response\.code\)\.to\.be\.oneOf\(\[)([\d, ]+)/)?.[1] ?? "";
  return said.split(",").filter(Boolean).map(Number);
}

/** The address of a request, with its variables. */
export const address = ({ url }) => url.raw ?? url;
