// From which value on a number changes its colour. Give them only where a value is good or bad by itself.
local steps(list) = {
  thresholds: { mode: 'absolute', steps: [{ color: list[0], value: null }] + list[1:] },
};

{
  // One colour: the number is neither good nor bad.
  none:: steps(['text']),
  // A resource with a fixed size: usage of a node, of a volume, of a limit.
  saturation(config):: steps([
    'green',
    { color: 'yellow', value: config.saturation.warning },
    { color: 'red', value: config.saturation.critical },
  ]),
  // Promises against what is there: above 1 more is promised than exists.
  commitment:: steps(['green', { color: 'yellow', value: 0.9 }, { color: 'red', value: 1 }]),
  // Something that should not exist: anything above 0 is red.
  shouldBeZero:: steps(['green', { color: 'red', value: 1 }]),
  // As before, but nobody has to get up for it.
  betterZero:: steps(['green', { color: 'orange', value: 1 }]),
  // Something that should be there.
  shouldExist:: steps(['red', { color: 'green', value: 1 }]),
}
