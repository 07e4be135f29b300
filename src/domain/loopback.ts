/** Whether an address is one that only this machine reaches. */
export const isLoopback = (host: string): boolean => /^(127\.|::1$|localhost$)/.test(host);
