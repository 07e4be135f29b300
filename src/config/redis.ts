// The settings that say where Redis is: one server, Sentinels that know one, or a Cluster.
import { checked, urlProblem } from './urls.ts';

const LOGIN = '([^@/]*@)?';
const HOSTS = '[^\\s/@?#,]+(,[^\\s/@?#,]+)*';
const FORMS = new RegExp(
  `^rediss?(://\\S+|\\+cluster://${LOGIN}${HOSTS}/?|\\+sentinel://${LOGIN}${HOSTS}/[^\\s/?#]+(/\\d+)?(\\?\\S*)?)$`,
);
const TAKES =
  'takes redis://host:port, redis+sentinel://host:port,host:port/name-of-the-primary or redis+cluster://host:port,host:port, ' +
  'with user:password@ before the hosts where there is one, and rediss for TLS';

/** Host, database and query of a single server. */
const SINGLE = /^rediss?:\/\/(?:[^@]*@)?(?<hosts>[^/?#]*)(?:\/(?<db>[^?#]*))?(?:\?[^#]*)?$/;

export const redisUrl = checked((text) => {
  if (!/^rediss?(\+sentinel|\+cluster)?:\/\//.test(text)) return TAKES;
  const problem = urlProblem(text);
  if (problem !== undefined) return problem;
  if (!FORMS.test(text)) return TAKES;
  if (text.includes('+')) return undefined;
  const { hosts, db = '' } = SINGLE.exec(text)?.groups ?? {};
  if (hosts === undefined) return TAKES;
  if (hosts.includes(',')) return 'takes redis+cluster:// or redis+sentinel:// when there is more than one host';
  return /^\d{0,5}$/.test(db) ? undefined : 'takes a database number after the host: redis://host:port/0';
});
