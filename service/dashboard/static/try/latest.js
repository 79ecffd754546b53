/**
 * Run a task for the newest input only.
 *
 * One run is in flight at a time. An input that comes meanwhile waits, and replaces the one that
 * waited before it, so that none is queued behind another.
 *
 * @template T
 * @param {(input: T) => Promise<void>} task
 * @returns {(input: T) => Promise<void>}
 */
export function latest(task) {
  let waiting = null;
  let isBusy = false;
  return async input => {
    waiting = { input };
    if (isBusy) return;
    isBusy = true;
    try {
      while (waiting) {
        const next = waiting.input;
        waiting = null;
        await task(next);
      }
    } finally {
      isBusy = false;
    }
  };
}

/** @param {number} milliseconds */
export const pause = milliseconds => new Promise(resolve => setTimeout(resolve, milliseconds));
