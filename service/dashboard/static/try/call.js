// The call that the page makes, and that its code shows.

import { url } from "../api.js";
import { askedVersion, predictPath } from "./description.js";

/** @param {{ level?: string, explain?: boolean }} options */
export function predictUrl({ level = "", explain = false }) {
  const query = {};
  if (level) query.interval = level;
  if (explain) query.explain = "true";
  if (askedVersion) query.version = askedVersion;
  return url(predictPath, query);
}
