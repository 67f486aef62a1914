// sigstore-js as a program: FOLDER (sign|attest|verify) and the options as JSON; the bundle goes to or comes from `bundle`.
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const [, , folder, command, json] = process.argv;
const sigstore = createRequire(`${folder}/`)('sigstore');
const { file, bundle, predicateType, predicate, ...options } = JSON.parse(json);

if (command === 'sign') {
  writeFileSync(bundle, JSON.stringify(await sigstore.sign(readFileSync(file), options)));
} else if (command === 'attest') {
  const statement = {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ name: 'blob', digest: { sha256: createHash('sha256').update(readFileSync(file)).digest('hex') } }],
    predicateType,
    predicate: JSON.parse(readFileSync(predicate, 'utf8')),
  };
  const payload = Buffer.from(JSON.stringify(statement));
  writeFileSync(bundle, JSON.stringify(await sigstore.attest(payload, 'application/vnd.in-toto+json', options)));
} else {
  await sigstore.verify(JSON.parse(readFileSync(bundle, 'utf8')), readFileSync(file), options);
}
