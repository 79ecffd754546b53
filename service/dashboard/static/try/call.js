// The call that the page makes, and that its code shows.

import { url } from "../api.js";
import { askedVersion, predictPath } from "./description.js";

/** @param {{ level?: string, explain?: boolean, version?: string | null }} options */
export function predictUrl({ level = "", explain = false, version = askedVersion }) {
  const query = {};
  if (level) query.interval = level;
  if (explain) query.explain = "true";
  if (version) query.version = version;
  return url(predictPath, query);
}
