// The settings that say where Redis is: one server, Sentinels that know one, or a Cluster.
import { readFileSync } from 'node:fs';
import { z } from 'zod';

const LOGIN = '([^@/]*@)?';
const HOSTS = '[^\\s/@?#,]+(,[^\\s/@?#,]+)*';
const FORMS = new RegExp(
  `^rediss?(://\\S+|\\+cluster://${LOGIN}${HOSTS}/?|\\+sentinel://${LOGIN}${HOSTS}/[^\\s/?#]+(/\\d+)?(\\?\\S*)?)$`,
);
const TAKES =
  'takes redis://host:port, redis+sentinel://host:port,host:port/name-of-the-primary or redis+cluster://host:port,host:port, ' +
  'with user:password@ before the hosts where there is one, and rediss for TLS';

export const redisUrl = z.string().regex(FORMS, TAKES);

/** The text of a file, read at once: a certificate that is missing is a problem of the configuration. */
export const redisCa = z.string().transform((path, problem) => {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    problem.addIssue(`takes the path of a file that can be read (${(error as NodeJS.ErrnoException).code})`);
    return z.NEVER;
  }
});
