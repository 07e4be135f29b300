import { state } from './state.ts';

export default {
  scenario: {
    get iterationInTest() {
      return state().iteration;
    },
    get startTime() {
      return state().startTime;
    },
  },
};
