/** The rehearsal could not be held at all; the message says what to do. Exit code 2. */
export class CannotRun extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'CannotRun';
  }
}

/** It could not be held because the service does not know the operator or the buyers (401, 403). Exit code 77. */
export class NotAllowed extends CannotRun {}
