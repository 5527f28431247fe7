// Checks the collection, plays it with newman, and compares the saved examples with the answers. Prints what newman prints.
//
//   node play.mjs ENVIRONMENT [--record [--all]] [--folder NAME]...
//
// `--record` writes examples for the requests that have none, or whose answers have changed; with `--all` for every request.

import newman from "newman";

import { check } from "./check.mjs";
import { FILE, json, requests, write } from "./collection.mjs";
import { differences, example, usual } from "./examples.mjs";

const [environmentFile, ...options] = process.argv.slice(2);
const [record, all] = ["--record", "--all"].map((option) => options.includes(option));
const folder = options.filter((_, at) => options[at - 1] === "--folder");
const known = ["--record", "--all", "--folder"];
const unknown = options.find((option, at) => !known.includes(option) && options[at - 1] !== "--folder");
if (unknown) fail([`there is no option \`${unknown}\`: --record, --all, --folder NAME`]);

const collection = json(FILE);
if (!record) fail(check(collection));

// newman knows requests by their ids, which the file leaves out.
const played = structuredClone(collection);
for (const { item, path } of requests(played.item)) item.id = path;
const answers = new Map();
const environment = json(environmentFile);
newman
  .run({
    collection: played,
    environment,
    folder: folder.length ? folder : undefined,
    reporters: ["cli"],
    color: "off",
    disableUnicode: true,
    timeout: 480_000,
    timeoutRequest: 10_000,
  })
  // The first answer is that to the request itself; scripts may send others.
  .on("request", (error, { item, response }) => {
    if (!error && !answers.has(item.id)) answers.set(item.id, response);
  })
  .on("done", (error, summary) => {
    if (error) fail([error.message]);
    const failed = summary.run.failures.length > 0;
    if (failed) process.exitCode = 1;
    else compare();
  });

function compare() {
  const translate = usual(environment);
  const other = [];
  for (const { item, path } of requests(collection.item)) {
    const answer = answers.get(path);
    if (!answer) continue;
    const now = example(item, answer, translate);
    const saved = item.response[0];
    const { wrong, more } = saved ? differences(saved, now) : { wrong: ["it has no example"], more: [] };
    const differs = wrong.length + more.length > 0;
    if (record && (all || differs)) item.response = [now];
    else if (record) saved.originalRequest = now.originalRequest;
    else if (wrong.length > 0) other.push(`${path}: the answer is not like its example: ${wrong.join("; ")}`);
    else if (more.length > 0) console.log(`${path}: the answer has more than its example: ${more.join(", ")}`);
  }
  if (record) {
    write(collection);
    fail(check(collection));
  }
  // newman has its table to print yet.
  for (const sentence of other) console.error(sentence);
  if (other.length > 0) process.exitCode = 1;
  else console.log(`${answers.size} answers have what their examples show`);
}

function fail(sentences) {
  if (sentences.length === 0) return;
  for (const sentence of sentences) console.error(sentence);
  process.exit(1);
}
