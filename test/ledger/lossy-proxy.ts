// The name under which the ledger's tests know the proxy: they lose answers and questions, and nothing else.
export { startTcpProxy as startLossyProxy, type TcpProxy as LossyProxy } from '../helpers/tcp-proxy.ts';
