// The quick start of the Python SDK, line by line: two shell tasks, the second uses what the first has made.
import { Driver } from "highway-wasm";

/** The workflow of the quick start, on any engine or server: `options` are those of a `Driver`. */
export function quickstart(options) {
  const driver = new Driver(options);
  const backup = driver.shell(
    "backup_db",
    "echo 'CREATE TABLE users (id int);' > backup.sql && echo 'backup written'",
  );
  driver.shell("upload_backup", `echo "${backup.result.stdout}" && cat backup.sql`, { depends: [backup] });
  return driver;
}
