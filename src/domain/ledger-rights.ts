// What the user of DATABASE_URL may do in its database: a front makes and changes its tables, and works with them.
export const LEDGER_RIGHTS = 'SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, REFERENCES, INDEX, ALTER';
