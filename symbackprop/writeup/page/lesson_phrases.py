"""The fixed phrases of lessons and slides, in English and Chinese: a part of the one table in `phrases`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

LESSON_PHRASES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "lesson title": ("Backpropagation step by step: {network}", "反向传播分步演示：{network}"),
        "lesson": ("Lesson", "演示"),
        "lesson exercise": ("Exercise", "练习"),
        "lesson plain": (
            "This page works with JavaScript. Without it, it is a plain list of all steps.",
            "本页需要 JavaScript；没有它时，这里只是全部步骤的列表。",
        ),
        "lesson goal": (
            "The goal: how much does {loss} change when a weight changes a little? First all values from the inputs to the loss, "
            "then all derivatives from the loss back to the weights.",
            "目标：某个权重稍微改变时，{loss} 会改变多少？先从输入到损失算出所有数值，再从损失往回算出所有导数。",
        ),
        "lesson goal asked": (
            "Work out every number yourself: type it, check it, ask for a hint. A wrong one is compared with the usual mistakes.",
            "请自己算出每一个数：填入、检查，需要时看提示。答案有误时，会与常见错误对照。",
        ),
        "lesson samples": (
            "Shown with the first {count} of {all} samples; the loss is that of these.",
            "这里只用 {all} 个样本中的前 {count} 个；损失也只对它们计算。",
        ),
        "first step": ("First step", "第一步"),
        "previous step": ("Back", "上一步"),
        "next step": ("Next", "下一步"),
        "last step": ("Last step", "最后一步"),
        "play": ("Play", "播放"),
        "pause": ("Pause", "暂停"),
        "every step": ("Show all steps", "显示全部步骤"),
        "one step": ("Show one step", "只显示一步"),
        "step of": ("Step {at} of {all}", "第 {at} 步，共 {all} 步"),
        "steps": ("Steps", "步骤"),
        "forward step": ("Forward: {name}", "前向：{name}"),
        "backward step": ("Backward: {name}", "反向：{name}"),
        "keys": ("Keys: ← → one step, Home and End, Tab to an edge and Enter for its chain rule.",
                 "按键：← → 前后一步，Home 和 End 到两端；用 Tab 选中一条边，按 Enter 显示它的链式法则。"),
        "legend forward": (
            "Thickness of an edge: size of what it passes on (weight × output). Blue, solid: positive; orange, dashed: negative.",
            "边的粗细：它所传递的数（权重 × 输出）的大小。蓝色实线为正，橙色虚线为负。",
        ),
        "legend backward": (
            "Thickness of an edge: size of the derivative by its weight. Blue, solid: positive; orange, dashed: negative. "
            "Below a unit: the derivative of {loss} by its input.",
            "边的粗细：损失对其权重的导数的大小。蓝色实线为正，橙色虚线为负。单元下方：{loss} 对其输入的导数。",
        ),
        "try values": ("Change the numbers", "修改数值"),
        "values lead": (
            "Every input, weight and target can be changed; everything is computed again at once.",
            "每个输入、权重和目标值都可以修改，修改后立即重新计算。",
        ),
        "value of": ("value of {name}", "{name} 的数值"),
        "not a number": ("“{text}” is not a number; the last one stays.", "“{text}” 不是数，保留原来的数值。"),
        "rate": ("Learning rate", "学习率"),
        "new value": ("New value", "新值"),
        "learning": ("Learn", "学习"),
        "apply": ("Update once", "更新一次"),
        "apply many": ("Update {count} times", "更新 {count} 次"),
        "start over": ("Back to the first numbers", "恢复最初的数值"),
        "updates done": ("{count} updates; {loss} = {value}", "已更新 {count} 次；{loss} = {value}"),
        "loss curve": ("{loss} after every update", "每次更新后的 {loss}"),
        "curve said": ("Curve of {loss} over {count} updates, from {first} to {last}.",
                       "{loss} 随 {count} 次更新的曲线，从 {first} 到 {last}。"),
        "diverged": ("{loss} is no longer a finite number: the learning rate is too large.",
                     "{loss} 已不是有限的数：学习率太大。"),
        "nudge": ("Nudge a weight", "轻推一个权重"),
        "nudge lead": (
            "Change one weight a little and watch {loss}: the derivative predicts by how much.",
            "把一个权重改变一点，观察 {loss}：导数能预测它改变多少。",
        ),
        "nudge by": ("by", "改变"),
        "nudge which": ("Weight", "权重"),
        "nudge loss": ("{loss} really changes by", "{loss} 实际改变"),
        "nudge predicted": ("derivative × change", "导数 × 改变量"),
        "nudge apart": ("They differ by", "两者相差"),
        "nudge locked": (
            "First work out the derivative by {name} yourself; then this checks it.",
            "先自己算出对 {name} 的导数，再在这里验证。",
        ),
        "learn locked": (
            "An update needs all derivatives: {done} of {all} are known.",
            "更新需要全部导数：已知 {done} 个，共 {all} 个。",
        ),
        "answer": ("Your answer", "你的答案"),
        "check": ("Check", "检查"),
        "hint": ("Hint", "提示"),
        "show answer": ("Show the answer", "显示答案"),
        "answer right": ("Right: {value}.", "正确：{value}。"),
        "answer coarse": (
            "Right as far as it goes; it is {value}.",
            "就所写的位数而言是对的；准确值是 {value}。",
        ),
        "answer wrong": ("Not right. This number comes out when", "不对。出现这个数，是因为"),
        "answer about": ("Not right. About this number comes out when", "不对。得出与此相近的数，是因为"),
        "answer unknown": (
            "Not right, and none of the usual mistakes gives this number. Look at the hint and work it out once more.",
            "不对，常见的错误也得不出这个数。请看提示，再算一遍。",
        ),
        "answer digits": (
            "Not right, and too few digits to say what went wrong: give four.",
            "不对；位数太少，看不出错在哪里，请写四位有效数字。",
        ),
        "answer none": ("Type a number, such as -0.0123, 1.2e-3 or 3/4.", "请填一个数，例如 -0.0123、1.2e-3 或 3/4。"),
        "answer shown": ("The answer is {value}.", "答案是 {value}。"),
        "hints left": ("Hint {at} of {all} is shown.", "已显示第 {at} 个提示，共 {all} 个。"),
        "progress": ("{right} of {all} right, {seen} looked up", "{all} 题中答对 {right} 题，查看答案 {seen} 题"),
        "numbers changed": ("The numbers have changed: all answers are open again.", "数值已改变：所有答案需要重新计算。"),
        # What a wrong answer comes from. `{names}` are names of the network.
        "mistake sign": ("the sign is the other one", "符号反了"),
        "mistake target - out": (
            "target − output stands for output − target, at {names}",
            "在 {names} 处把“输出 − 目标值”写成了“目标值 − 输出”",
        ),
        "mistake slope missing": (
            "the derivative of the activation is forgotten, at {names}",
            "漏掉了激活函数的导数，在 {names} 处",
        ),
        "mistake slope twice": (
            "the derivative of the activation stands twice, at {names}",
            "激活函数的导数乘了两次，在 {names} 处",
        ),
        "mistake slope is value": (
            "the value of the activation stands for its derivative, at {names}",
            "用激活函数的值代替了它的导数，在 {names} 处",
        ),
        "mistake before activation": (
            "what came in is taken from before the activation, not from behind it",
            "传入的数取了激活之前的值，而不是激活之后的值",
        ),
        "mistake numerator missing": (
            "the numerator of a fraction is not differentiated (p for p − t, behind a softmax), at {names}",
            "漏掉了对分式的分子求导（softmax 之后就是用 p 代替了 p − t），在 {names} 处",
        ),
        "mistake denominator missing": (
            "the denominator of a fraction is not differentiated, at {names}",
            "漏掉了对分式的分母求导，在 {names} 处",
        ),
        "mistake target missing": (
            "the target is forgotten in the derivative of the loss, at {names}",
            "损失的导数里漏掉了目标值，在 {names} 处",
        ),
        "mistake factor forgotten": (
            "the other factor of a product is forgotten, at {names}",
            "乘积求导时漏掉了另一个因子，在 {names} 处",
        ),
        "mistake transposed": (
            "an array stands transposed, or is not transposed where it has to be, at {names}",
            "数组转置错了：不该转置的转置了，或该转置的没有转置，在 {names} 处",
        ),
        "mistake place missing": (
            "a name stands in {names} twice, and one of the two places is passed over",
            "{names} 里同一个量出现了两次，漏掉了其中一处",
        ),
        "mistake root missing": (
            "the root of the constant factor of {names} is forgotten: 1/H for 1/√H",
            "漏掉了 {names} 的常数因子里的根号：用 1/H 代替了 1/√H",
        ),
        "mistake own entry": (
            "each entry of {names} is differentiated by its own input only; every entry depends on all of them",
            "{names} 的每个元素只对自己的输入求了导；其实每个元素都与所有输入有关",
        ),
        "mistake own factor": (
            "a factor of a product itself stands for the other factor, at {names}",
            "乘积求导时留下了这个因子本身，而不是另一个因子，在 {names} 处",
        ),
        "mistake other gate": (
            "1 − g stands for g, or g for 1 − g, at {names}",
            "用 1 − g 代替了 g，或用 g 代替了 1 − g，在 {names} 处",
        ),
        "mistake slope of net": (
            "the derivative of the activation is written with its input instead of its output, at {names}",
            "激活函数的导数用了输入（净输入）而不是输出来计算，在 {names} 处",
        ),
        "mistake slope at output": (
            "the derivative of the activation is taken at its output instead of its input, at {names}",
            "激活函数的导数在输出处取值，而不是在输入处，在 {names} 处",
        ),
        "mistake wrong slope": (
            "another formula stands for the derivative of the activation, at {names}",
            "激活函数的导数公式用错了，在 {names} 处",
        ),
        "mistake path missing": ("a path is missing: the one through {names}", "漏掉了一条路径：经过 {names} 的那条"),
        "mistake loss slope missing": ("the derivative of the loss by {names} is forgotten", "漏掉了损失对 {names} 的导数"),
        "mistake wrong weight": ("another weight stands there ({names})", "用错了权重（{names}）"),
        "mistake weight missing": ("the weight between {names} and the next layer is forgotten",
                                   "漏掉了 {names} 与下一层之间的权重"),
        "mistake input missing": ("the factor {names}, what came in, is forgotten", "漏掉了因子 {names}（传入的数）"),
        "mistake wrong input": ("what came in elsewhere is multiplied ({names})", "乘错了传入的数（{names}）"),
        "mistake factor missing": (
            "the constant factor of {names} is forgotten: the 1/N of a mean, the strength of a decay",
            "漏掉了 {names} 的常数因子：平均值的 1/N，或衰减的系数",
        ),
        "mistake square missing": ("the 2 of the square is forgotten, in {names}", "漏掉了 {names} 中平方求导得到的 2"),
        "mistake updated weights": (
            "weights are used that were updated already; all derivatives need the old ones",
            "用了已经更新过的权重；所有导数都要用旧的权重",
        ),
        "mistake twice": (
            "it is twice as much: a factor 2 too many, or a ½ forgotten",
            "结果大了一倍：多了因子 2，或漏掉了 ½",
        ),
        "mistake half": ("it is half as much: a factor ½ too many, or a 2 forgotten", "结果只有一半：多了因子 ½，或漏掉了 2"),
        "mistake rate": ("the learning rate is multiplied already", "已经乘上了学习率"),
        "mistake new weight": ("this is the new weight, not the derivative", "这是更新后的权重，不是导数"),
        "mistake other delta": ("the δ of another unit is used (that of {names})", "用了另一个单元的 δ（{names} 的）"),
        "mistake other": ("this is the derivative by something else, by {names}", "这是对别的量 {names} 的导数"),
        "mistake other value": ("this is the value of {names}", "这是 {names} 的数值"),
        "mistake term missing": ("a term is missing: {names}", "漏掉了一项：{names}"),
        "mistake power": ("the decimal point is in the wrong place", "小数点的位置不对"),
        # Slides.
        "slides": ("Slides", "幻灯片"),
        "presenter": ("Notes", "讲稿"),
        "uncover": ("Uncover", "揭示"),
    }
)  # fmt: skip
