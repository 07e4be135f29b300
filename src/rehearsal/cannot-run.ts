/** The rehearsal could not be held at all; the message says what to do. Exit code 2. */
export class CannotRun extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'CannotRun';
  }
}
