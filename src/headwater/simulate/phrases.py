"""Words that a remade prompt is composed of: small rules whose parts are chosen independently of one another.

A rule is a name with its variants; `<name>` in a variant stands for a choice from another rule. There are so
many that two prompts rarely share three words in a row. How they are put together is `rewording`'s doing.
"""

from __future__ import annotations

from typing import Final


def _words(text: str, silent: int = 0) -> tuple[str, ...]:
    """Variants from one text, separated by bars, and `silent` empty ones; `_` keeps a space at an edge."""
    bare = [part.strip() for part in text.split("|")] + [""] * silent
    return tuple(" " * part.startswith("_") + part.strip("_") + " " * part.endswith("_") for part in bare)


RULES: Final[dict[str, tuple[str, ...]]] = {
    # Who asks, and for what: leads that say nothing of the task.
    "lead": _words("""<why> <audience><stop>|<audience> <need> this<stop>|<mood><why> <audience><stop>
        |<mood><this_one> <came_up> <where><stop>|<where> <we> <met> <one> like <this_one><stop>
        |<mood><one> for <audience><stop>|<audience> <met> <this_one> <where><stop>"""),
    "why": _words("""I am preparing <stuff> for|I collect <stuff> for|we are putting together <stuff> for
        |I promised <stuff> to|my <stuff> must be ready for|I owe <stuff> to|there will be <stuff> for
        |I revise <stuff> with|I am learning from <stuff> with|I wrote <stuff> and now show it to
        |somebody lost the <stuff> of|I compare <stuff> made by|next week I hand <stuff> to"""),
    "stuff": _words("""notes|a hand-out|some worksheets|a small guide|an internal page|flash cards|a reader
        |course material|a workshop|a talk|a wiki entry|an exercise book|a long list|drafts|a review|slides
        |a checklist|a knowledge base|a tutorial|sample solutions|a column|an onboarding kit"""),
    "audience": _words("""my colleagues|the new hires|a study group|two friends|our interns|my daughter|my team
        |first-year students|a club|the support desk|our readers|a neighbour|evening classes|a tutor
        |the night shift|my flatmate|some volunteers|people who return to work|a partner school|the board
        |an old teacher of mine|the whole department|beginners|a cousin abroad"""),
    "this_one": _words("""this|it|that|the following|what follows|such <one>|<one> below|this text"""),
    "came_up": _words("""came up|turned up|appeared|was raised|was asked|surfaced|was discussed|got passed around
        |caught my eye|was left over|remained open|kept us busy|made the rounds|puzzled somebody"""),
    "we": _words("""we|I|they|some of us|two of them|my brother and I|both of us|others"""),
    "met": _words("""met|found|saw|noticed|discussed|came across|read|ran into|looked at|picked up|overheard"""),
    "need": _words("""needs|asked for|keeps returning to|could not settle|argued about|got stuck on|insists on
        |brought up|wants to understand|is curious about|struggled with|passed on"""),
    "where": _words("""at work|in class|over lunch|on the train|in a forum|during a call|in an old book
        |at the library|in yesterday's meeting|while cleaning up files|in a newsletter|at the kitchen table
        |on a whiteboard|in a ticket|between two appointments|last term"""),
    "one": _words("""one|a case|something|an item|a question|a puzzle|a request|an exercise|a specimen|a thing"""),
    "mood": _words("""honestly,_|no hurry, but_|as before,_|small favour:_|right,_|well,_|fine,_|for a change,_
        |bear with me,_|quick one,_|again,_|by the way,_|alright,_|today,_|one more thing,_|so,_|hm,_""", 5),
    "stop": (".", ".", ".", " -", ";", " …", "!", " …", ":", " (below)."),
    # Asking for reasons.
    "reasoning": _words("""<polite><show> <working> <manner><end>|<polite><show> <working><end>
        |<manner>, <show> <working><end>|<need_of> <working>, <manner><end>|<polite><show> <working>, <manner>
        |what <interests> is <working>, <manner><end>|<need_of> <working><end>
        |<audience> <will> ask for <working>, so <show> it <manner>"""),
    "polite": _words("""please_|kindly_|could you_|would you_|can you_|try to_|I'd like you to_|make sure to_
        |be sure to_|it would help to_|go ahead and_|take your time and_|when answering,_|as you go,_
        |before concluding,_|do_|you should_|feel free to_|remember to_|for each part,_|never forget to_""", 3),
    "show": _words("""explain|describe|spell out|lay out|write down|walk through|set out|unfold|narrate|document
        |record|list|break down|detail|go over|put into words|sketch|trace|share|state|reconstruct|report|note
        |lead me through|show"""),
    "working": _words("""<whole> <thought>|<whole> <thought>|<whole> <thought>|<whole> <thought> behind <this_one>
        |how <somebody> <arrives> there|why <somebody> <arrives> there"""),
    "whole": _words("""your|the|each of your|these|both|any|some|those|your own|the full|the bare|the inner"""),
    "thought": _words("""thinking|reasoning|steps|derivation|argument|logic|deductions|route|method|considerations
        |inferences|working|ideas|decisions|moves|thoughts|checks|grounds|approach|calculations|reasons
        |conclusions|assumptions|line of thought|intuitions"""),
    "somebody": _words("""you|an expert|one|somebody|students|professionals|anyone|an old hand"""),
    "arrives": _words("""gets|arrives|got|went|comes|came|arrived|travels"""),
    "manner": _words("""<adverb>|<adverb>|<adverb> and <adverb>|with <no> <doubts>|like <who>
        |<adverb>, with <no> <doubts>"""),
    "adverb": _words("""slowly|carefully|fully|precisely|completely|openly|patiently|calmly|honestly|plainly|in order
        |in full|bit by bit|line by line|at length|in detail|closely|strictly|soberly|generously|neatly|exactly
        |thoroughly|one by one|from scratch|in words|visibly|properly|piecemeal|without haste"""),
    "no": _words("""no|every|few|all|some|the usual|your|small|open|hidden|any|minor|explicit"""),
    "doubts": _words("""doubts|gaps|checks|side remarks|dead ends|guesses|examples|pauses|sources|details|leaps|units
        |repetitions|corrections|comparisons|alternatives|definitions"""),
    "who": _words("""a teacher|a diary|a coach|an examiner|a textbook|a proof|a lecture|a detective|an engineer
        |a chess player|a mentor|a commentator|a careful clerk|a scientist|a judge"""),
    "end": _words("""_and <then> <give> <the_result>|, <the_result> <then>|, <then> <give> <the_result>
        |_until <the_result> is clear|_before <the_result>""", 6),
    "then": _words("""then|finally|only then|last|at last|afterwards|in closing|below|on its own line|separately"""),
    "give": _words("""give|state|name|add|put|report|deliver|write|mark|repeat|underline|announce"""),
    "the_result": _words("""the result|the answer|a verdict|your conclusion|the outcome|your choice|the value
        |the upshot|a summary|the solution|your decision|the number"""),
    "need_of": _words("""I need|I am after|we want|give me|what counts is|I shall mark|let me see|I care about
        |don't hide|please add|my interest is in|the point is|I'd rather read"""),
    "interests": _words("""interests me|I look for|matters here|I miss elsewhere|helps most|they want to see"""),
    "will": _words("""will|would|may|might|are going to|always|tend to|usually"""),
    # Code.
    "code": _words("""<polite><write> <program> <quality><extras>|<need_of> <program> <quality><extras>
        |<write> <program><extras>|<polite><write> <program> <quality>|<quality>, <polite><write> <program>"""),
    "write": _words("""write|implement|draft|produce|build|develop|code up|work out|deliver|assemble|put together
        |program|craft|provide"""),
    "program": _words("""<a_whole> <pnoun>|<a_whole> <pnoun>|<pnoun> <somebody> can <use>
        |<a_whole> <pnoun> to <use>"""),
    "a_whole": _words("""a complete|a runnable|the full|a working|a tidy|a small|a robust|a modern|one clean
        |an elegant
        |the simplest|a typed|a fast|a readable|the entire|a careful|a plain"""),
    "pnoun": _words("""solution|program|version|source|implementation|script|function|module|listing|prototype
        |library|file|snippet|class|tool|program text|routine"""),
    "use": _words("""run|read|reuse|extend|test|maintain|deploy|review|paste|understand|adapt|trust|ship"""),
    "quality": _words("""with <no> <parts>|without <parts>|<adverb> written|in <a_style> style
        |with <parts> and <parts>"""),
    "parts": _words("""comments|dependencies|types|error handling|edge cases|magic numbers|globals|recursion
        |docstrings
        |loops|side effects|imports|assertions|logging|defaults|long lines|helper functions|input checks"""),
    "a_style": _words("""a clear|an idiomatic|a sober|your best|a functional|the usual|a compact|a verbose|a defensive
        |a textbook|a modern|a conservative"""),
    "extras": _words(""", plus <tests>|_and <tests>|; then <tests>|, <tests> too|, with <tests>""", 3),
    "tests": _words("""three tests|its complexity|a worked example|usage notes|some edge cases|a line on why
        |unit tests|an example call|the design choices|known limits|a benchmark idea|sample output
        |how it could fail|a brief rationale|alternatives"""),
    # Judging an answer.
    "grading": _words("""<polite><judge> <reply> <aspect><verdict>|<judge> <reply> <aspect><verdict>
        |<aspect>, <polite><judge> <reply><verdict>|<need_of> a judgement: <judge> <reply> <aspect><verdict>"""),
    "judge": _words("""rate|grade|assess|judge|score|evaluate|review|mark|criticise|examine|weigh|appraise|check
        |comment on|rank|go through"""),
    "reply": _words("""<the_given> <answer_noun>"""),
    "the_given": _words("""the|that|this|the given|the second|the quoted|their|the submitted|the later|the other|his
        |her|the resulting|the attached"""),
    "answer_noun": _words("""reply|response|attempt|solution|answer|proposal|output|draft|text|part|statement|passage
        |contribution|result|version"""),
    "aspect": _words("""for <merit>|for <merit> and <merit>|on <merit>|by <merit>|out of <top>, for <merit>
        |like <who>|<merit> up to <top>|<adverb>|<adverb>, on <merit>"""),
    "top": ("five", "ten", "4", "6", "7", "twenty", "100", "three", "12", "nine"),
    "merit": _words("""correctness|clarity|reasoning|helpfulness|completeness|accuracy|tone|brevity|structure|style
        |substance|arithmetic|evidence|relevance|consistency|honesty|depth|grammar|usefulness|coverage"""),
    "verdict": _words(""", <show> <manner>|_and <show> why|; <show> <working>|, then <give> the number
        |, <show> it <manner>|, the mark at the end|, reasons first|_with reasons|, <manner>""", 2),
    "asked": _words("""<audience> <once> <wanted><stop>|<where> <audience> <wanted><stop>
        |<mood><somebody2> <wanted><stop>
        |<mood><this_one> <came_up> <where><stop>|<the_given> request of <audience><stop>"""),
    "once": _words("""once|later|then|recently|in the end|first|duly|again|somehow|usually|since"""),
    "wanted": _words("""wanted|asked|requested|posed|sent in|wondered|put forward|demanded|enquired|wrote"""),
    "offered": _words("""offered|returned|wrote|gave|handed in|suggested|typed|produced|posted|sent|left|tried"""),
    "somebody2": _words("""a model|somebody|a helper|the system|a volunteer|one of us|a trainee|the other side
        |a stranger|an assistant|a customer|a client|the author|some user"""),
    "replied": _words("""<audience> <once> <offered> <this_one><stop>|<where> <somebody2> <offered> <this_one><stop>
        |<the_given> <answer_noun> of <audience><stop>|<mood><somebody2> <offered> <the_given> <answer_noun><stop>
        |<where> <the_given> <answer_noun> <came_up><stop>"""),
    # Plain answers, and work with tools.
    "answers": _words("""<polite><reply_to> <this_one> <style>|<style>, <please>|<need_of> an answer <style>
        |<polite><reply_to> <audience> <style>|<polite><reply_to> <this_one> <style><end>|<please>, <style>"""),
    "reply_to": _words("""answer|reply to|respond to|deal with|take care of|handle|settle|clear up|address|treat"""),
    "please": _words("""please|if you can|if possible|thank you|when ready|ideally|would be great|that's all"""),
    "style": _words("""<adverb>|<adverb> and <adverb>|in <few_parts>|for <audience>|with <no> <doubts>|like <who>
        |<adverb>, in <few_parts>|with <doubts> for <audience>"""),
    "few_parts": _words("""<few> paragraphs|<few> sentences|<few> points|<few> steps|<few> lines|<few> parts
        |<few> words"""),
    "few": _words("""a few|several|two|three|four|many|as many|short|long|complete|friendly|numbered|polite|plain"""),
    "agent": _words("""<polite><plan> <tool_use> <manner>|<plan> <tool_use>, then <write> <program><extras>
        |<need_of> <working>: <plan> <tool_use><end>|<tool_use> <manner><end>|<plan> it <manner>, <tool_use>"""),
    "plan": _words("""plan|decide|choose|work out|propose|pick|schedule|map out|prepare|sequence|settle on"""),
    "tool_use": _words("""<the_next> <call_noun>|<the_next> <call_noun>|<the_next> <call_noun> and <call_noun>
        |<the_next> <call_noun> to <use>"""),
    # The next turn of the same work.
    "the_next": _words("""the|the next|each|every|one|the first|all|the right|which|any|the cheapest|a safe
        |the missing"""),
    "call_noun": _words("""call|function|tool|command|edit|lookup|argument|action|request|query|file|test|step|patch
        |search|check|parameter|operation"""),
    "follow": _words("""<mood><result> <now_what><stop>|<result><stop> <polite><now_what><stop>|<now_what><stop>
        |<mood><polite><now_what><end><stop>|<where> <result>, <now_what><stop>|<result> <manner><stop>"""),
    "result": _words("""<the_given> <thing> <behaves>|<the_next> <call_noun> <behaves>
        |<the_given> <thing> <behaves> <adverb>"""),
    "thing": _words("""tests|build|output|page|file|log|script|linter|numbers|server|table|import|parser|job|query
        |form|cache|result|diff"""),
    "behaves": _words("""failed|now runs|changed|looks wrong|hangs|is empty|passed|differs|broke|complains|came back
        |stopped|got slower|is better|returned this|shows this"""),
    "now_what": _words("""<fix> <the_next> <thing>|<fix> <this_one>|<fix> <the_given> <thing> <adverb>
        |<fix> <the_next> <call_noun>"""),
    # Chinese, for Chinese texts.
    "fix": _words("""fix|redo|explain|continue with|check|improve|undo|finish|test|rewrite|simplify|go through|drop
        |repeat|look at|extend|split"""),
    "zh": _words("""<zh_who><zh_need><zh_show><zh_working><zh_end>|<zh_polite><zh_show><zh_working><zh_end>
        |<zh_polite><zh_manner><zh_show><zh_working>|<zh_who><zh_manner><zh_show><zh_working><zh_end>"""),
    "zh_who": _words("我|我们组|我同学|老师|客户|同事们|学生|孩子|朋友|部门|读者|家人|邻居|新来的人"),
    "zh_need": _words("想请你|希望你|需要你|让你|盼你|要你|建议你|求你|等你"),
    "zh_polite": _words("请|麻烦|劳驾|帮忙|可以的话|有空时|能否|务必|最好|不妨|烦请|试着"),
    "zh_manner": _words("一步步|慢慢|仔细|完整地|从头|逐条|用白话|耐心|分段|严谨地|按顺序|毫无保留地"),
    "zh_show": _words("写出|说明|讲讲|列出|解释|展示|记录|梳理|描述|交代|拆解|复述"),
    "zh_working": _words("""思路|推理过程|每个步骤|理由|解法|考虑过的方案|依据|全部细节
        |来龙去脉|判断根据|计算"""),
    "zh_end": _words("，再给结论|，最后回答|，结果放后面|，并检查一遍|，然后总结||。|！|，谢谢|，不要省略"),
}  # fmt: skip
