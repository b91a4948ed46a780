<?xml version="1.0" encoding="UTF-8"?>
<robot generator="Robot 7.5 (Python 3.11.7 on linux)" generated="2026-11-21T19:48:20.431600" rpa="false" schemaversion="5">
<suite id="s1" name="Fail" source="/ci/shop/fail.robot">
<test id="s1-t2" name="Loops" line="4">
<for flavor="IN">
<iter>
<kw name="Log" owner="BuiltIn">
<msg time="2026-11-21T19:48:20.490933" level="INFO">1</msg>
<arg>${x}</arg>
<doc>Logs the given message with the given level.</doc>
<status status="PASS" start="2026-11-21T19:48:20.490490" elapsed="0.000525"/>
</kw>
<var name="${x}">1</var>
<status status="PASS" start="2026-11-21T19:48:20.490227" elapsed="0.000844"/>
</iter>
<iter>
<kw name="Log" owner="BuiltIn">
<msg time="2026-11-21T19:48:20.491786" level="INFO">2</msg>
<arg>${x}</arg>
<doc>Logs the given message with the given level.</doc>
<status status="PASS" start="2026-11-21T19:48:20.491405" elapsed="0.000529"/>
</kw>
<var name="${x}">2</var>
<status status="PASS" start="2026-11-21T19:48:20.491191" elapsed="0.000800"/>
</iter>
<var>${x}</var>
<value>1</value>
<value>2</value>
<status status="PASS" start="2026-11-21T19:48:20.489961" elapsed="0.002073"/>
</for>
<status status="PASS" start="2026-11-21T19:48:20.489572" elapsed="0.002610"/>
</test>
<status status="FAIL" start="2026-11-21T19:48:20.432988" elapsed="0.059690"/>
</suite>
<statistics>
<total>
<stat pass="1" fail="1" skip="0">All Tests</stat>
</total>
<tag>
</tag>
<suite>
<stat name="Fail" id="s1" pass="1" fail="1" skip="0">Fail</stat>
</suite>
</statistics>
<errors>
</errors>
</robot>
