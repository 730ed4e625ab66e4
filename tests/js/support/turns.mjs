/** Counts the turns of the event loop until a function has ended, and returns its result. */
export async function turnsOf(act) {
  let turns = 0;
  let isOver = false;
  const count = () => {
    turns += 1;
    if (!isOver) setImmediate(count);
  };
  count();
  const given = await act().finally(() => {
    isOver = true;
  });
  return { turns, given };
}
