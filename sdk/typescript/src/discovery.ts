import type { HookType, PolicyDocument } from "./generated/decision.js";
import { rules } from "./generated/rules.js";
import type { PolicyOptions, Settings } from "./settings.js";

const WELL_KNOWN = "/.well-known/placet-policy";

/** The version of the protocol that this SDK speaks. */
export const PROTOCOL = "1.0";

/** What a path of the sidecar is for. */
export type Resource = "decisions" | "discovery" | "health";

/** What lies at a path, if anything. A sidecar whose id has a path lives below it. */
export function resourceAt(path: string, settings: Settings): Resource | undefined {
  const base = basePath(settings.id);
  if (path === (base || "/") || path === `${base}/` || path === `${base}/decide`) return "decisions";
  if (path === WELL_KNOWN || path === WELL_KNOWN + base) return "discovery";
  if (path === "/healthz" || path === `${base}/healthz`) return "health";
  return undefined;
}

/** The discovery document; `origin` stands in for an id that is not configured. */
export function document(
  types: readonly HookType[],
  options: PolicyOptions,
  settings: Settings,
  origin: string,
): PolicyDocument {
  const base = (settings.id?.origin ?? origin) + basePath(settings.id);
  return {
    sidecar: {
      id: settings.idText ?? origin,
      name: options.name ?? "policy",
      version: options.version ?? "0",
    },
    protocols: [PROTOCOL],
    decision_endpoint: `${base}/decide`,
    health_endpoint: `${base}/healthz`,
    types: types.map((type) => {
      const { needs, returns } = options.types?.[type] ?? {};
      return {
        type,
        ...(needs ? { needs: withSection(needs, rules[type].section) } : {}),
        ...(returns ? { returns: [...returns] } : {}),
        cacheable: rules[type].cacheable,
      };
    }),
    auth: { request: ["signature"], signed_response: settings.responseSecret !== undefined },
    modes: ["enforce", "shadow", "test"],
    ...(options.docs === undefined ? {} : { docs: options.docs }),
  };
}

/** A handler relies on the section of its type, so it is asked for unless the handler asks for parts of it. */
function withSection(needs: readonly string[], section: string): string[] {
  const whole = `/${section}`;
  return needs.some((pointer) => pointer === whole || pointer.startsWith(`${whole}/`)) ? [...needs] : [...needs, whole];
}

function basePath(id: URL | undefined): string {
  return id === undefined ? "" : id.pathname.replace(/\/+$/, "");
}
