// What a started program is given of the caller's environment: where programs and the home folder are, and Node's cache of
// compiled modules. Nothing else leaks in.
export const ownEnvironment = (): Record<string, string | undefined> => {
  const { PATH, HOME, NODE_COMPILE_CACHE } = process.env;
  return { PATH, HOME, NODE_COMPILE_CACHE };
};
