"""The one table of fixed phrases, in English and Chinese; a phrase has gaps `{name}` for words or formulas."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from symbackprop.errors import InternalError
from symbackprop.formula.tree.tree import Formula
from symbackprop.writeup.page.blocks import Words
from symbackprop.writeup.page.lesson_phrases import LESSON_PHRASES

PHRASES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        # Titles and frame.
        "title": ("Backpropagation: {network}", "反向传播：{network}"),
        "teacher": ("Teacher's copy", "教师版"),
        "student": ("Worksheet", "学生版"),
        "key": ("Answer key", "参考答案"),
        "variant": ("variant {seed}", "第 {seed} 套"),
        "name": ("Name", "姓名"),
        "class": ("Class", "班级"),
        "date": ("Date", "日期"),
        "points": ("Points", "得分"),
        "one point": ("1 point", "1 分"),
        "many points": ("{count} points", "{count} 分"),
        # Parts.
        "network": ("The network", "网络"),
        "network alt": (
            "Network diagram: {network}. Inputs: {inputs}; parameters: {parameters}; loss: {loss}.",
            "网络图：{network}。输入：{inputs}；参数：{parameters}；损失：{loss}。",
        ),
        "graph": ("The computational graph", "计算图"),
        "graph alt": ("Computational graph of {network}: each definition a node.", "{network} 的计算图：每个定义是一个结点。"),
        "goal": (
            "How much does the loss {loss} change when one of the {count} parameters changes a little? The answers are the "
            "derivatives, {slope} and the others; backpropagation finds all of them in one pass from {loss} back to the inputs.",
            "{count} 个参数中的某一个略微改变时，损失 {loss} 会改变多少？答案就是导数 {slope} 等；"
            "反向传播从 {loss} 往回算一遍，就能求出全部导数。",
        ),
        "diagram network": ("Network diagram", "网络图"),
        "diagram graph": ("Computational graph", "计算图"),
        "diagram input": ("inputs", "输入层"),
        "diagram hidden": ("hidden", "隐藏层"),
        "diagram output": ("outputs", "输出层"),
        "diagram loss": ("loss", "损失"),
        "path": ("The path from {loss} back to {name} is drawn in red.", "从 {loss} 回到 {name} 的路径用红色标出。"),
        "given": ("What is given", "已知条件"),
        "inputs": ("Inputs", "输入"),
        "parameters": ("Parameters", "参数"),
        "targets": ("Targets", "目标值"),
        "constants": ("Constants", "常数"),
        "where": ("where", "其中"),
        "role": ("Role", "类型"),
        "role input": ("input", "输入"),
        "role parameter": ("parameter", "参数"),
        "role target": ("target", "目标值"),
        "role constant": ("constant", "常数"),
        "role defined": ("computed", "计算所得"),
        "scalar": ("a single number", "一个数"),
        "learning rate": ("Learning rate", "学习率"),
        "forward": ("Forward pass", "前向计算"),
        "forward lead": (
            "From the inputs to the loss, each line uses the results above it.",
            "从输入一直算到损失，每一行都用到上面各行的结果。",
        ),
        "definitions": ("The definitions", "定义"),
        "entries": ("One entry of each, in full", "各取一个元素，完整计算"),
        "places from 0": (
            "Where an index is a number or is calculated, as in {entry}, counting starts at 0.",
            "下标为数字或参与运算时（如 {entry}），从 0 数起。",
        ),
        "entries lead": (
            "Rows and columns are counted from 1; the numbers put in have as many digits as the result needs.",
            "行和列都从 1 数起；代入的数保留结果所需的位数。",
        ),
        "quantity": ("Quantity", "量"),
        "calculation": ("Calculation", "计算"),
        "value": ("Value", "数值"),
        "shape": ("Shape", "形状"),
        "backward": ("Gradient of {name}", "{name} 的梯度"),
        "one path": (
            "{name} reaches {loss} along one path, so its gradient is one product.",
            "{name} 只经过一条路径到达 {loss}，所以梯度是一个乘积。",
        ),
        "many paths": (
            "{name} reaches {loss} along {count} paths; their contributions are added.",
            "{name} 经过 {count} 条路径到达 {loss}，各条路径的贡献要相加。",
        ),
        "the loss": ("The loss", "损失"),
        "delta outputs": ("Backward: δ of the outputs", "反向传播：输出层的 δ"),
        "delta hidden": ("Backward: δ of hidden units", "反向传播：隐藏层的 δ"),
        "slopes of loss": ("Backward from {loss}", "从 {loss} 反向传播"),
        "delta words": (
            "{delta} is short for {partial}: it says how much {loss} changes when {node} changes a little. Each δ is worked out "
            "once, from the loss back, and every gradient is made of it.",
            "{delta} 是 {partial} 的简写：{node} 略微改变时，{loss} 随之改变多少。"
            "每个 δ 只算一次，从损失往回算，所有梯度都由它得到。",
        ),
        "recipe": (
            "The recipe for every weight: the δ of the unit it leads into, times what came in through it. For a bias, 1 came in.",
            "求任一权重梯度的办法：它所通向的神经元的 δ，乘以从它进来的值。偏置进来的值是 1。",
        ),
        "sum over edges": (
            "{name} feeds {fed}. What comes back to it is a sum over these edges: for each, the δ at its end times the weight "
            "on it.",
            "{name} 通向 {fed}。传回来的是对这些边求和：每条边末端的 δ 乘以边上的权重。",
        ),
        "one edge": (
            "{name} feeds {fed} only. What comes back to it is the δ there times the weight on the edge.",
            "{name} 只通向 {fed}。传回来的是那里的 δ 乘以边上的权重。",
        ),
        "chain": ("Chain rule", "链式法则"),
        "locals": ("Local derivatives", "局部导数"),
        "product": ("Put together", "合并"),
        "steps": ("Step by step", "逐步推导"),
        "numbers": ("Numbers", "代入数字"),
        "update": ("Update", "更新"),
        "update lead": (
            "Every parameter moves against its gradient, {rule}. All gradients above use the old parameters; change nothing "
            "before all of them are known.",
            "每个参数都沿梯度的反方向移动，{rule}。上面的梯度全部使用旧参数；在所有梯度都算出之前，不要改动任何参数。",
        ),
        "update lead asked": (
            "Every parameter moves against its gradient. All gradients above use the old parameters; change nothing before all "
            "of them are known.",
            "每个参数都沿梯度的反方向移动。上面的梯度全部使用旧参数；在所有梯度都算出之前，不要改动任何参数。",
        ),
        "gradients": ("All gradients", "所有梯度"),
        "other gradients": ("The other gradients", "其余梯度"),
        "vanishes": (
            "{gradient} is exactly 0, at these values and at others that were tried: changing {name} changes {moves}, but not "
            "{stays}, and so not {loss}.",
            "{gradient} 恰好等于 0，在这些数值以及另外试过的数值处都是如此："
            "改变 {name} 会改变 {moves}，但不改变 {stays}，因此也不改变 {loss}。",
        ),
        "vanishes plainly": (
            "{gradient} is exactly 0, at these values and at others that were tried.",
            "{gradient} 恰好等于 0，在这些数值以及另外试过的数值处都是如此。",
        ),
        "vanishes here": ("{gradient} is exactly 0 at these values.", "在这些数值处 {gradient} 恰好等于 0。"),
        "parameter": ("Parameter", "参数"),
        "gradient": ("Gradient", "梯度"),
        "old": ("Old", "旧值"),
        "new": ("New", "新值"),
        "loss": ("Loss before and after", "更新前后的损失"),
        "loss name": ("Loss", "损失"),
        "loss lead": (
            "One step with learning rate {rate}, all parameters changed at once.",
            "以学习率 {rate} 更新一步，所有参数同时改变。",
        ),
        "loss grew": (
            "The loss has grown: with this learning rate the step goes too far.",
            "损失变大了：这个学习率太大，一步走过了头。",
        ),
        "nudge": ("Check: change one weight a little", "检验：把一个权重略微改变"),
        "nudge lead": (
            "{partial} says by how much {loss} grows for each unit by which {name} grows. So add {step} to {name}, run forward "
            "again, and divide the change of {loss} by {step}: both must be about the same.",
            "{partial} 表示 {name} 每增加一个单位，{loss} 大约增加多少。所以给 {name} 加上 {step}，重新前向传播，"
            "再把 {loss} 的变化除以 {step}：两者应当大致相等。",
        ),
        "loss with": ("{loss} with {value} for {name}", "{name} 取 {value} 时的 {loss}"),
        "difference": ("difference", "两者之差"),
        "difference divided": ("difference divided by {step}", "差除以 {step}"),
        "gradient above": ("{partial} from above", "上面求得的 {partial}"),
        "before": ("before", "更新前"),
        "after": ("after", "更新后"),
        "change": ("change", "变化"),
        "matrix": ("Matrix form", "矩阵形式"),
        "shapes": ("shapes {shapes}", "形状 {shapes}"),
        "code": ("As numpy code", "numpy 代码"),
        "code lead": (
            "The same formulas as a function. It calculates with all digits, so its last places may differ from the rounded "
            "ones here.",
            "同样的公式写成函数。程序使用全部位数，所以末几位可能与这里的舍入值不同。",
        ),
        "rounding": ("Rounding", "舍入规则"),
        "rounding rule": (
            "Every result is rounded to {places} decimal places ({ties}) where it is written down, a small one to {significant} "
            "significant digits, zeros at the end left out, and calculation goes on with the rounded value. Last digits that "
            "rounding has made uncertain are left out. Given values are used as printed.",
            "每个结果写下时舍入到小数点后 {places} 位（{ties}），较小的数保留 {significant} 位有效数字，末尾的零省略，"
            "之后用舍入后的值继续计算。因舍入而不可靠的末位数字不写出。已知数值按所印数字使用。",
        ),
        "rounding rule arrays": (
            "Everything is calculated with all digits. What is written down is rounded to {places} decimal places ({ties}), "
            "small numbers to {significant} significant digits, zeros at the end left out; the given values too.",
            "计算使用全部位数；写下的数舍入到小数点后 {places} 位（{ties}），较小的数保留 {significant} 位有效数字，"
            "末尾的零省略，已知数值也是如此。",
        ),
        "half-up": ("a 5 rounds up", "四舍五入"),
        "half-even": ("a 5 rounds to the even digit", "四舍六入五成双"),
        "assumptions": ("Conventions at kinks: ", "不可导点处的约定："),
        "sources": ("Sources", "来源"),
        "kink": (
            "{function} has no derivative where {place} is 0 (in {node})",
            "{function} 在 {place} 为 0 处不可导（{node} 中）",
        ),
        "ties max": (
            "where several entries are the largest, they share the gradient equally (in {node})",
            "若有几个元素同为最大，它们平分梯度（{node} 中）",
        ),
        "ties min": (
            "where several entries are the smallest, they share the gradient equally (in {node})",
            "若有几个元素同为最小，它们平分梯度（{node} 中）",
        ),
        "kink slope": ("; {slope} is used there", "，该处取 {slope}"),
        "facts": ("Used as known: ", "已知事实："),
        # Exercises.
        "exercises": ("Exercises", "练习"),
        "exercise fill": ("Fill the gaps", "填空"),
        "exercise mistake": ("Find the mistake", "找错"),
        "exercise choice": ("Choose", "选择"),
        "exercise why": ("Why?", "为什么？"),
        "why sum": (
            "The gradient of {several} is a sum, that of {one} a single product. Why?",
            "{several} 的梯度是一个和，而 {one} 的梯度只是一个乘积。为什么？",
        ),
        "why sum answer": (
            "{one} reaches {loss} along one path only; {several} changes several quantities on the way, each of which changes "
            "{loss}, and these changes are added.",
            "{one} 只经过一条路径到达 {loss}；{several} 途中会改变多个量，每个量都使 {loss} 改变，这些改变要相加。",
        ),
        "why old": (
            "Why must no parameter be changed before all gradients are known?",
            "为什么在所有梯度都算出之前，不能改动任何参数？",
        ),
        "why old answer": (
            "Every gradient was derived at the old values; with a changed parameter the others would belong to another network.",
            "所有梯度都是在旧参数处求得的；改动一个参数之后，其余梯度就属于另一个网络了。",
        ),
        "question": ("Question", "题号"),
        "total": ("total", "总分"),
        "fill": ("Fill in the blanks in the gradient of {name}.", "在 {name} 的梯度中填空。"),
        "mistake": (
            "Exactly one of these lines is wrong. Which one, and what should it say?",
            "下面恰有一行是错的。是哪一行？应当怎样写？",
        ),
        "choose": ("Which formula is {partial}?", "哪个公式是 {partial}？"),
        "mistake is": ("Line ({label}) is wrong: {why}. It should say", "第（{label}）行有错：{why}。应当写成"),
        "your work": ("Your work", "解答"),
        "solution": ("Answer", "答案"),
        "missing slope": ("the slope {what} is missing", "缺少斜率 {what}"),
        "wrong index": ("it has {got} where {wanted} belongs", "应为 {wanted}，却写成了 {got}"),
        "lost half": ("the factor that comes from the square is wrong", "平方求导得到的系数错了"),
        "lost factor": ("the factor 2 is missing", "缺少系数 2"),
        "extra factor": ("there is a factor 2 too many", "多了系数 2"),
        "wrong sign": ("the sign is wrong", "符号错了"),
        "dropped path": ("one path, {what}, is missing", "缺少一条路径 {what}"),
        # Interactive page.
        "show symbols": ("symbols", "符号"),
        "show numbers": ("numbers", "数字"),
        "show both": ("both", "全部"),
        "view": ("Show", "显示"),
        "hide answers": ("Hide the answers", "隐藏答案"),
        "next answer": ("Next answer", "下一个答案"),
        "all answers": ("All answers", "全部答案"),
        "print": ("Print", "打印"),
        "answers shown": ("{shown} of {all} answers shown", "已显示 {shown}/{all} 个答案"),
        "otherwise": ("otherwise", "否则"),
        "blank": ("blank to fill in", "待填写的空"),
        "path of": ("path of {name}", "{name} 的路径"),
        # Notebook.
        "nb check work": (
            "check(name, value) says whether a result is right; what it compares with does not tell the result.",
            "check(name, value) 判断一个结果是否正确；它所比较的内容并不透露结果。",
        ),
        "nb check lead": (
            "Central differences need no formula: they must agree with every gradient.",
            "中心差分不需要公式：它必须与每个梯度一致。",
        ),
    }
    | dict(LESSON_PHRASES)
)

LANGUAGE_COLUMN = MappingProxyType({"en": 0, "zh": 1})
_GAP = re.compile(r"\{(\w+)\}")


Gap = str | int | Formula | Words


def phrase(key: str, lang: str, **gaps: Gap) -> Words:
    """Return a phrase with its gaps filled, as strings and formulas. Raises InternalError for an unknown key or gap."""
    if key not in PHRASES:
        raise InternalError(f"phrases: no phrase {key!r}")
    found: list[str | Formula] = []
    at = 0
    template = PHRASES[key][LANGUAGE_COLUMN[lang]]
    for gap in _GAP.finditer(template):
        if gap[1] not in gaps:
            raise InternalError(f"phrases: {key!r} needs a value for {gap[1]!r}")
        content = gaps[gap[1]]
        filling = content if isinstance(content, tuple) else (content if isinstance(content, Formula) else str(content),)
        found += [template[at : gap.start()], *filling]
        at = gap.end()
    found.append(template[at:])
    return joined(tuple(part for part in found if part != ""))


def worth(points: int, lang: str) -> str:
    """Return the points of a part in words, nothing for none."""
    return "" if not points else plain("one point", lang) if points == 1 else plain("many points", lang, count=points)


def plain(key: str, lang: str, **gaps: str | int) -> str:
    """Return a phrase without formulas as one string."""
    return "".join(str(part) for part in phrase(key, lang, **gaps))


def joined(words: Words) -> Words:
    """Join neighbouring strings."""
    found: list[str | Formula] = []
    for part in words:
        if isinstance(part, str) and found and isinstance(found[-1], str):
            found[-1] += part
        else:
            found.append(part)
    return tuple(found)
