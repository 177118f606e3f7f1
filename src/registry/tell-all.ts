type Handler = (about: unknown) => unknown

/** Calls all handlers, whatever one of them does: what it throws, or rejects with, is reported. */
export function tellAll(
  handlers: readonly ((...args: never[]) => unknown)[],
  about: unknown,
  report: (error: unknown) => void,
): void {
  for (const handler of handlers) {
    try {
      const result = (handler as Handler)(about)
      if (result instanceof Promise) result.catch(report)
    } catch (error) {
      report(error)
    }
  }
}
