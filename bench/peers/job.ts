// The conversation between the bench and a peer that is not a server: one job in, one result out, over the IPC channel.

/** Answers every job the bench sends with what `run` gives, or with the error; says first that it is ready. */
export function serveJobs<Job, Result>(run: (job: Job) => Promise<Result>): void {
  process.on('message', (job: Job) => {
    run(job).then(
      (result) => process.send!({ result }),
      (error: unknown) =>
        process.send!({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
    );
  });
  process.on('disconnect', () => process.exit(0));
  process.send!({ ready: true });
}
