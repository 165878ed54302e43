import { serverAudits } from 'graphql-http';
const [, , url, key] = process.argv;
const audits = serverAudits({
  url,
  fetchFn: (to, init = {}) => fetch(to, { ...init, headers: { ...init.headers, authorization: `Bearer ${key}` } }),
});
let ok = 0;
for (const audit of audits) {
  const result = await audit.fn();
  if (result.status === 'ok') ok++;
  else console.log(`${result.status}: ${audit.name}: ${result.reason}`);
}
console.log(`${ok}/${audits.length}`);
