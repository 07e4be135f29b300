import { onTopology } from './config.ts';

export default onTopology('cluster');
