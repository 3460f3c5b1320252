/**
 * A failure that callers are prepared for. `code` is stable, for programs; the message is for
 * people: what was wrong, where, and what would be right.
 */
export class CodedError<Code extends string = string> extends Error {
  readonly code: Code

  constructor(code: Code, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = new.target.name
    this.code = code
  }
}
