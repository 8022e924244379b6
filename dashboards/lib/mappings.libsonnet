// Texts and colours for numbers that are codes.
local values(list) = {
  mappings: [{
    type: 'value',
    options: {
      [std.toString(list[i][0])]: { text: list[i][1], color: list[i][2], index: i }
      for i in std.range(0, std.length(list) - 1)
    },
  }],
};

{
  // k8s_pod_phase
  podPhase:: values([
    [1, 'Pending', 'yellow'],
    [2, 'Running', 'green'],
    [3, 'Succeeded', 'blue'],
    [4, 'Failed', 'red'],
    [5, 'Unknown', 'orange'],
  ]),
  // k8s_node_condition_ready: true is good.
  goodCondition:: values([[1, 'Yes', 'green'], [0, 'No', 'red'], [-1, 'Unknown', 'orange']]),
  // k8s_node_condition_memory_pressure and its like: true is bad.
  badCondition:: values([[0, 'No', 'green'], [1, 'Yes', 'red'], [-1, 'Unknown', 'orange']]),
  // k8s_container_ready
  ready:: values([[1, 'Ready', 'green'], [0, 'Not ready', 'red']]),
}
