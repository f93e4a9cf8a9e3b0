"""What grade pages say, in English and Chinese: headings, sentences, outcomes."""

from __future__ import annotations

from collections.abc import Mapping

from symbackprop.verify.records import Wording

LANGUAGES = ("en", "zh")

PHRASES: Mapping[str, Wording] = {
    "points": Wording("{points} of {total} points", "{points} 分（满分 {total} 分）"),
    "of": Wording("{points} of {weight}", "{points} / {weight}"),
    "credit": Wording(", credit for: {kind}", "，部分得分：{kind}"),
    "gradient of": Wording("gradient of {name}: {outcome}", "{name} 的梯度：{outcome}"),
    "No verdict": Wording("No verdict", "无法判定"),
    "Failed": Wording("Failed", "运行出错"),
    "Where": Wording("Where", "错在哪里"),
    "Why": Wording("Why", "原因"),
    "Mend": Wording("Mend", "改正"),
    "For example": Wording("For example", "例如"),
    "Printed": Wording("What your code printed", "你的代码的输出"),
    "Your code": Wording("Your code", "你的代码"),
    "fault": Wording("The grading itself failed; this is not your fault.", "评分程序自身出错，不是你的问题。"),
    "witness": Wording("{place}: yours is {hand}, it should be {derived}", "{place}：你的值是 {hand}，应为 {derived}"),
    "ratio": Wording("{name}: yours is {ratio} times the gradient", "{name}：你的结果是正确梯度的 {ratio} 倍"),
    "line": Wording("line {line}", "第 {line} 行"),
    "cell": Wording("cell {cell}, line {line}", "第 {cell} 个单元，第 {line} 行"),
    "right": Wording("right", "正确"),
    "wrong": Wording("wrong", "错误"),
    "missing": Wording("missing", "缺少"),
    "no verdict": Wording("no verdict", "无法判定"),
    "fault of this program": Wording("fault of this program", "评分程序出错"),
    "summary": Wording(
        "{count} submissions: {counted}; median {median} of {total} points",
        "共 {count} 份作业：{counted}；中位数 {median} 分（满分 {total} 分）",
    ),
    "counted": Wording("{count} {state}", "{state} {count} 份"),
    "comma": Wording(", ", "，"),
    "Gradients": Wording("Gradients", "各梯度"),
    "Mistakes": Wording("Mistakes", "错误类型"),
    "Alike": Wording("Alike", "相同的代码"),
    "Students": Wording("Students", "学生"),
    "none": Wording("none", "无"),
    "kind": Wording("kind", "类型"),
    "students": Wording("students", "人数"),
    "for example": Wording("for example", "例如"),
    "who": Wording("who", "学生"),
    "student": Wording("student", "学生"),
    "points of": Wording("points", "分数"),
    "state": Wording("state", "结果"),
    "same": Wording(
        "The same code but for layout, comments and names. Short right answers are alike by themselves.",
        "除排版、注释和名称外，代码相同。简短的正确答案本来就会相像。",
    ),
    "unexplained": Wording("no reason was found", "没有找到原因"),
}


def said(key: str, language: str, **values: object) -> str:
    """Return a phrase in a language."""
    return PHRASES[key].said({name: str(value) for name, value in values.items()}, language)
